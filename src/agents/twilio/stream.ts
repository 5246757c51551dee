// Hot path. The Twilio Media Streams dialect, platform side: we dial the runtime, send `connected`, `start`, `media`, `dtmf`, `mark`, `stop`
// (and `callin.…` events of our own where the agent asks for them), and take `media`, `mark`, `clear`
// and our own `callin.send_dtmf`. PCMU at 8 kHz in both directions, whatever the call's other leg speaks.
//
//   phase     audio, dtmf, markPlayed, notify start                          close
//   waiting   ignored                         opening messages once open     close frame or nothing
//   started   sent                            ignored                        `stop`, close frame 1000
//   over      ignored                         ignored                        ignored
//
// Invariants
// T1. `connected` and `start` are the first two messages and nothing stands between them.
// T2. sequenceNumber counts every message from `start` (1) on, chunk every media message, as sent: a dropped frame takes no number and is
//     seen as a jump of `timestamp`, which is media time.
// T3. A message that cannot be used is counted once and changes nothing; the stream goes on.

import type {
  AgentAsk,
  AgentDial,
  AgentFailure,
  AgentNotice,
  AgentStream,
  AgentStreamHost,
} from '../../media/agent-stream.ts';
import { Backlog, BEHIND_MAX_MS } from '../backlog.ts';
import { Base64Decoder } from '../base64.ts';
import { dtmfRequest } from '../dtmf-request.ts';
import { failure } from '../errors.ts';
import { sidOf } from '../sid.ts';
import { Connection } from '../websocket/connection.ts';
import { PAYLOAD_OFFSET } from '../websocket/frame.ts';
import type { ConnectionResources } from '../websocket/resources.ts';
import type { WebSocketUrl } from '../websocket/url.ts';
import { readHangupAsk, readTransferAsk } from './call-asks.ts';
import { MediaReader } from './media-reader.ts';
import { MediaWriter } from './media-writer.ts';
import {
  CONNECTED,
  dtmfMessage,
  markMessage,
  noticeMessage,
  type StreamIds,
  startMessage,
  stopMessage,
} from './messages.ts';

/** A mark's name is kept until it is played; real ones are short ids. Bounds what a runtime can make us hold per mark. */
const MARK_NAME_CHARACTERS_MAX = 1024;

/** What the streams of one thread share. */
export interface TwilioResources {
  readonly connections: ConnectionResources;
  readonly decoder: Base64Decoder;
}

export function createTwilioResources(connections: ConnectionResources): TwilioResources {
  return { connections, decoder: new Base64Decoder() };
}

export class TwilioStream implements AgentStream {
  readonly #host: AgentStreamHost;
  readonly #decoder: Base64Decoder;
  readonly #reader: MediaReader;
  readonly #writer: MediaWriter;
  readonly #ids: StreamIds;
  readonly #customParameters: Readonly<Record<string, string>>;
  readonly #extensionEvents: boolean;
  readonly #connection: Connection;
  readonly #backlog = new Backlog();
  #phase: 'waiting' | 'started' | 'over' = 'waiting';
  #startAsked = false;
  #sequence = 0;
  #chunk = 0;

  constructor(dial: AgentDial, url: WebSocketUrl, resources: TwilioResources, host: AgentStreamHost) {
    this.#host = host;
    this.#decoder = resources.decoder;
    this.#reader = new MediaReader(resources.decoder);
    this.#ids = {
      streamSid: sidOf('MZ', dial.callId),
      callSid: sidOf('CA', dial.callId),
      accountSid: sidOf('AC', dial.accountId),
    };
    this.#writer = new MediaWriter(this.#ids.streamSid);
    this.#customParameters = dial.customParameters;
    this.#extensionEvents = dial.extensionEvents;
    const { headers, readyTimeoutMs } = dial;
    this.#connection = new Connection({ url, headers, readyTimeoutMs }, resources.connections, {
      opened: () => this.#opened(),
      text: (bytes, start, end) => this.#text(bytes, start, end),
      binary: () => host.malformed(),
      alive: () => host.alive(),
      drained: () => this.#drained(),
      ended: (reason) => this.#ended(reason),
    });
  }

  start(): void {
    if (this.#phase !== 'waiting') return;
    this.#startAsked = true;
    if (!this.#connection.isOpen) return;
    this.#phase = 'started';
    this.#sendText(CONNECTED);
    this.#sendText(startMessage(this.#ids, ++this.#sequence, this.#customParameters));
  }

  audio(bytes: Buffer, start: number, end: number, timestampMs: number): void {
    if (this.#phase !== 'started') return;
    if (this.#backlog.length > 0 || this.#connection.congested) {
      if (this.#backlog.push(bytes, start, end, timestampMs)) this.#host.dropped();
      return;
    }
    this.#sendMedia(bytes, start, end, timestampMs);
  }

  dtmf(digit: string): void {
    if (this.#phase === 'started') this.#sendText(dtmfMessage(this.#ids, ++this.#sequence, digit));
  }

  markPlayed(name: string): void {
    if (this.#phase === 'started') this.#sendText(markMessage(this.#ids, ++this.#sequence, name));
  }

  notify(notice: AgentNotice): void {
    if (this.#phase !== 'started' || !this.#extensionEvents) return;
    this.#sendText(noticeMessage(this.#ids, ++this.#sequence, notice));
  }

  tick(nowMs: number): void {
    if (this.#phase === 'over') return;
    if (this.#backlog.isHopeless(nowMs)) {
      this.#connection.fail(failure('agent_slow', `behind for ${BEHIND_MAX_MS} ms`), 1008);
      return;
    }
    this.#connection.tick(nowMs);
  }

  close(): void {
    if (this.#phase === 'over') return;
    if (this.#phase === 'started') this.#sendText(stopMessage(this.#ids, ++this.#sequence));
    this.#over();
    this.#connection.close();
  }

  #opened(): void {
    this.#host.ready();
    if (this.#startAsked) this.start();
  }

  #drained(): void {
    while (this.#backlog.length > 0 && !this.#connection.congested) {
      const frame = this.#backlog.shift();
      if (frame) this.#sendMedia(frame.audio, 0, frame.audio.length, frame.timestampMs);
    }
  }

  #ended(reason: AgentFailure | null): void {
    this.#over();
    this.#host.ended(reason);
  }

  #over(): void {
    this.#phase = 'over';
    this.#backlog.clear();
  }

  #sendMedia(bytes: Buffer, start: number, end: number, timestampMs: number): void {
    const frame = this.#connection.lend(MediaWriter.bytesFor(end - start));
    const at = Math.trunc(timestampMs);
    const length = this.#writer.write(frame, ++this.#sequence, ++this.#chunk, at, bytes, start, end);
    this.#connection.sendText(frame, length);
  }

  #sendText(text: string): void {
    const length = Buffer.byteLength(text);
    const frame = this.#connection.lend(length);
    frame.bytes.write(text, PAYLOAD_OFFSET, 'utf8');
    this.#connection.sendText(frame, length);
  }

  #text(bytes: Buffer, start: number, end: number): void {
    if (this.#reader.read(bytes, start, end)) this.#play();
    else if (!this.#parsed(bytes.toString('utf8', start, end))) this.#host.malformed();
  }

  #play(): void {
    const { bytes, length } = this.#decoder;
    if (length > 0) this.#host.audio(bytes, 0, length);
  }

  /** The long way, for marks, clears and unusual spellings of media. False = malformed (T3). */
  #parsed(text: string): boolean {
    const message = parseObject(text);
    switch (message?.event) {
      case 'media':
        return this.#parsedMedia(message.media);
      case 'mark':
        return this.#parsedMark(message.mark);
      case 'clear':
        this.#host.clear();
        return true;
      case 'callin.transfer':
        return this.#parsedAsk(readTransferAsk(message.callin));
      case 'callin.hangup':
        return this.#parsedAsk(readHangupAsk(message.callin));
      case 'callin.send_dtmf':
        return this.#parsedKeys(message.callin);
      default:
        return false;
    }
  }

  /** An extension of ours: the dialect has no word for keys to the caller. */
  #parsedKeys(callin: unknown): boolean {
    const asked = isObject(callin) ? callin.sendDtmf : undefined;
    const request = isObject(asked) ? dtmfRequest(asked.digits, asked.toneMs, asked.gapMs) : null;
    if (request !== null) this.#host.sendDtmf(request);
    return request !== null;
  }

  #parsedMedia(media: unknown): boolean {
    const payload = isObject(media) ? media.payload : undefined;
    if (typeof payload !== 'string') return false;
    const characters = Buffer.from(payload, 'utf8');
    if (this.#decoder.decode(characters, 0, characters.length) !== characters.length) return false;
    this.#play();
    return true;
  }

  #parsedAsk(ask: AgentAsk | undefined): boolean {
    if (ask === undefined || !this.#extensionEvents) return false;
    this.#host.ask(ask);
    return true;
  }

  #parsedMark(mark: unknown): boolean {
    const name = isObject(mark) ? mark.name : undefined;
    if (typeof name !== 'string' || name.length > MARK_NAME_CHARACTERS_MAX) return false;
    this.#host.mark(name);
    return true;
  }
}

/** The keys we look at in any object of the dialect; `streamSid` and unknown keys are ignored on purpose (clients get them wrong). */
interface Loose {
  readonly event?: unknown;
  readonly media?: unknown;
  readonly mark?: unknown;
  readonly payload?: unknown;
  readonly name?: unknown;
  readonly callin?: unknown;
  readonly sendDtmf?: unknown;
  readonly digits?: unknown;
  readonly toneMs?: unknown;
  readonly gapMs?: unknown;
}

function parseObject(text: string): Loose | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
