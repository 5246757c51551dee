// Hot path. The `media` message of the Twilio dialect, written straight into an outgoing frame:
//
//   {"event":"media","sequenceNumber":"3","streamSid":"MZ…","media":{"track":"inbound","chunk":"1","timestamp":"0","payload":"…"}}
//
// Everything before the payload is a template whose digits are overwritten in place; it is made anew only when a number gets a digit more.

import { base64Length, encodeBase64 } from '../base64.ts';
import { type Frame, PAYLOAD_OFFSET } from '../websocket/frame.ts';

const TAIL = Buffer.from('"}}', 'latin1');
/** Head with the longest numbers (16 digits each) and tail; the payload comes on top. */
const OVERHEAD_BYTES = 192;

export class MediaWriter {
  readonly #streamSid: string;
  #template = Buffer.alloc(0);
  #sequence = numberField(0, 0);
  #chunk = numberField(0, 0);
  #timestamp = numberField(0, 0);

  constructor(streamSid: string) {
    this.#streamSid = streamSid;
  }

  /** Room that a message with so much audio may need in a frame. */
  static bytesFor(audioBytes: number): number {
    return OVERHEAD_BYTES + base64Length(audioBytes);
  }

  /** Writes the message at PAYLOAD_OFFSET and returns its length. Numbers are non-negative integers. */
  write(
    frame: Frame,
    sequence: number,
    chunk: number,
    timestampMs: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): number {
    if (
      digitsOf(sequence) !== this.#sequence.digits ||
      digitsOf(chunk) !== this.#chunk.digits ||
      digitsOf(timestampMs) !== this.#timestamp.digits
    ) {
      this.#rebuild(sequence, chunk, timestampMs);
    } else {
      putDigits(this.#template, this.#sequence, sequence);
      putDigits(this.#template, this.#chunk, chunk);
      putDigits(this.#template, this.#timestamp, timestampMs);
    }
    const target = frame.bytes;
    target.set(this.#template, PAYLOAD_OFFSET);
    const at = encodeBase64(bytes, start, end, target, frame.view, PAYLOAD_OFFSET + this.#template.length);
    target.set(TAIL, at);
    return at + TAIL.length - PAYLOAD_OFFSET;
  }

  #rebuild(sequence: number, chunk: number, timestampMs: number): void {
    let text = '{"event":"media","sequenceNumber":"';
    const put = (value: number): NumberField => {
      const field = numberField(text.length, digitsOf(value));
      text += value;
      return field;
    };
    this.#sequence = put(sequence);
    text += `","streamSid":"${this.#streamSid}","media":{"track":"inbound","chunk":"`;
    this.#chunk = put(chunk);
    text += '","timestamp":"';
    this.#timestamp = put(timestampMs);
    text += '","payload":"';
    this.#template = Buffer.from(text, 'latin1');
  }
}

interface NumberField {
  readonly at: number;
  readonly digits: number;
}

function numberField(at: number, digits: number): NumberField {
  return { at, digits };
}

function digitsOf(value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits++;
  return digits;
}

function putDigits(target: Buffer, field: NumberField, value: number): void {
  let rest = value;
  for (let at = field.at + field.digits - 1; at >= field.at; at--) {
    const tens = Math.trunc(rest / 10);
    target[at] = 0x30 + rest - tens * 10;
    rest = tens;
  }
}
