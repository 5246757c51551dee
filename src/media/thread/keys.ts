// Keys of one call in its media thread, both ways: those that the caller presses, by whichever way they come, and those that go to the caller.
//
// KY1. One event per press (dtmf/presses.ts).
// KY2. Whoever goes on asking while nothing can be sent is told of once; the next key that goes out ends that.

import type { AudioCodec } from '../../domain/directory.ts';
import { dtmfKeyCount, type DtmfKind, type DtmfMode, type DtmfOutcome, type DtmfRequest } from '../../domain/dtmf.ts';
import { KeysHeard } from '../dtmf/keys-heard.ts';
import type { MediaEvent } from '../session.ts';
import type { Outbound } from './outbound.ts';

export interface KeysDeps {
  readonly nowMs: () => number;
  readonly emit: (event: MediaEvent) => void;
  readonly outbound: Pick<Outbound, 'sendKeys' | 'sendKeysBy' | 'keysGoBy'>;
  readonly tellAgent: (digit: string) => void;
}

export class Keys {
  readonly #deps: KeysDeps;
  readonly #heard = new KeysHeard();
  /** Why the last ones did not go out; null = they did. */
  #refused: DtmfOutcome | null = null;

  constructor(deps: KeysDeps) {
    this.#deps = deps;
  }

  /** How this call's carrier sends and takes keys. */
  setMode(mode: DtmfMode): void {
    this.#deps.outbound.sendKeysBy(mode);
    this.#heard.setMode(mode);
  }

  /** Of the audio that `audio` is given. */
  setCodec(codec: AudioCodec): void {
    this.#heard.setCodec(codec);
  }

  /** Per frame: the key that is recognised in it, else null. */
  audio(bytes: Buffer, start: number, end: number): string | null {
    return this.#heard.audio(bytes, start, end);
  }

  /** The caller pressed it, or so it was told by this way. */
  pressed(digit: string, kind: DtmfKind, nowMs: number): void {
    if (!this.#heard.isNew(digit, kind, nowMs)) return;
    this.#deps.tellAgent(digit);
    this.#deps.emit({ type: 'dtmf', atMs: nowMs, digit, kind });
  }

  send(request: DtmfRequest, by: 'agent' | 'api', isClosed: boolean): DtmfOutcome {
    const { emit, nowMs, outbound } = this.#deps;
    const outcome = isClosed ? 'gone' : outbound.sendKeys(request);
    const isRepeated = outcome === this.#refused;
    this.#refused = outcome === 'queued' ? null : outcome;
    if (isRepeated) return outcome;
    const keys = dtmfKeyCount(request.text);
    emit({ type: 'dtmf-asked', atMs: nowMs(), by, keys, kind: outbound.keysGoBy, outcome });
    return outcome;
  }
}
