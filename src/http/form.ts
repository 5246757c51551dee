// Forms with a file (multipart/form-data, RFC 7578), read as a stream. The handler asks for the form when it knows that it wants it: nothing of a
// body is read before the request was admitted and what it is about was found.
//
// Invariants
//   FO1. A form is bounded in bytes, parts, headers and time, and so many are read at once; beyond that it is refused.
//   FO2. What a file is called and what type it claims to have is not looked at: neither can do harm nor be believed.
//   FO3. One asker has a part of the places only: who sends slowly waits for himself.

import type { IncomingMessage } from 'node:http';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import type { TObject } from 'typebox';
import type { Clock } from '../domain/clock.ts';
import { invalidField, Problem } from './problems.ts';
import { compileCheck } from './validate.ts';

export const FORM_TYPE = 'multipart/form-data';

export interface FormShape {
  /** Texts by name. */
  readonly fields: TObject;
  /** The part that is the file; there is one. */
  readonly file: { readonly name: string; readonly description: string; readonly bytesMax: number };
}

export interface Form {
  /** As the shape's schema has them. */
  readonly fields: Readonly<Record<string, string>>;
  readonly file: Uint8Array;
}

/** What reaches the handler as the body. */
export type FormBody = () => Promise<Form>;

export interface FormLimits {
  readonly atOnceMax: number;
  readonly timeoutMs: number;
}

const FIELD_BYTES_MAX = 1_024;
const HEADER_BYTES_MAX = 4_096;
const HEADERS_MAX = 16;
/** Boundaries and headers of all parts. */
const FRAME_BYTES_MAX = 64 * 1_024;
const RETRY_AFTER_SEC = '5';
/** A page that sends several documents side by side. */
const PER_ASKER_MAX = 3;

/** Of the whole body. */
export function formBytesMax({ fields, file }: FormShape): number {
  return file.bytesMax + Object.keys(fields.properties).length * FIELD_BYTES_MAX + FRAME_BYTES_MAX;
}

export function createFormReader(clock: Clock, { atOnceMax, timeoutMs }: FormLimits) {
  let reading = 0;
  const readingOf = new Map<string, number>();
  return {
    /** Prepared once per route. `asker`: all who share places. */
    of(shape: FormShape): (request: IncomingMessage, asker: string) => FormBody {
      const check = compileCheck(shape.fields);
      return (request, asker) => async () => {
        const own = readingOf.get(asker) ?? 0;
        if (reading >= atOnceMax || own >= PER_ASKER_MAX)
          throw new Problem('uploads_busy', { headers: { 'retry-after': RETRY_AFTER_SEC } });
        reading += 1;
        readingOf.set(asker, own + 1);
        try {
          const form = await new FormReading(request, shape).read(clock, timeoutMs);
          check(form.fields);
          return form;
        } finally {
          reading -= 1;
          const left = (readingOf.get(asker) ?? 1) - 1;
          if (left === 0) readingOf.delete(asker);
          else readingOf.set(asker, left);
        }
      };
    },
  };
}

class FormReading {
  readonly #request: IncomingMessage;
  readonly #shape: FormShape;
  readonly #fields = new Map<string, string>();
  readonly #done = Promise.withResolvers<void>();
  #pieces: Buffer[] | null = null;

  constructor(request: IncomingMessage, shape: FormShape) {
    this.#request = request;
    this.#shape = shape;
  }

  async read(clock: Clock, timeoutMs: number): Promise<Form> {
    const request = this.#request;
    const declared = Number(request.headers['content-length'] ?? 0);
    if (declared > formBytesMax(this.#shape)) throw new Problem('body_too_large');
    const parser = this.#parser();
    const timer = clock.setTimer(() => this.#fail(new Problem('request_timeout')), timeoutMs);
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > formBytesMax(this.#shape)) this.#fail(new Problem('body_too_large'));
    });
    // The client went away; there is nobody to answer.
    request.once('close', () => {
      if (!request.complete) this.#fail(new Problem('malformed_form'));
    });
    request.pipe(parser);
    try {
      await this.#done.promise;
    } finally {
      timer.cancel();
      request.unpipe(parser);
      request.removeAllListeners('data');
      // What else comes is let go by.
      request.resume();
    }
    if (this.#pieces === null) throw invalidField(this.#shape.file.name, 'is required: the file');
    return { fields: Object.fromEntries(this.#fields), file: Buffer.concat(this.#pieces) };
  }

  #parser(): BusboyInstance {
    const { headers } = this.#request;
    const fieldsMax = Object.keys(this.#shape.fields.properties).length;
    let parser: BusboyInstance;
    try {
      parser = new Busboy({
        headers: { ...headers, 'content-type': headers['content-type'] ?? '' },
        isPartAFile: (name) => name === this.#shape.file.name,
        limits: {
          fieldNameSize: FIELD_BYTES_MAX,
          fieldSize: FIELD_BYTES_MAX,
          fields: fieldsMax,
          files: 1,
          fileSize: this.#shape.file.bytesMax,
          parts: fieldsMax + 1,
          headerPairs: HEADERS_MAX,
          headerSize: HEADER_BYTES_MAX,
        },
      });
    } catch (cause) {
      // No boundary.
      throw new Problem('malformed_form', { detail: (cause as Error).name });
    }
    parser.on('field', (name, value, _isNameCut, isCut) => this.#takeField(name, value, isCut));
    parser.on('file', (_name, file) => {
      const pieces: Buffer[] = [];
      this.#pieces = pieces;
      file.on('data', (piece: Buffer) => void pieces.push(piece));
      file.on('limit', () => this.#fail(new Problem('body_too_large')));
      file.on('error', () => this.#fail(new Problem('malformed_form')));
    });
    for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'])
      parser.on(limit, () =>
        this.#fail(new Problem('malformed_form', { detail: 'It has more parts than it may have' })),
      );
    parser.on('error', () => this.#fail(new Problem('malformed_form')));
    parser.on('finish', () => this.#done.resolve());
    return parser;
  }

  #takeField(name: string, value: string, isCut: boolean): void {
    if (isCut) this.#fail(invalidField(name in this.#shape.fields.properties ? name : '', 'is too long'));
    else if (this.#fields.has(name)) this.#fail(new Problem('malformed_form', { detail: 'It has a part twice' }));
    else this.#fields.set(name, value);
  }

  #fail(problem: Problem): void {
    this.#done.reject(problem);
  }
}
