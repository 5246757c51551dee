// New bans on their way to whoever logs them: one message in a second, with some of them by name and the others as a number. A flood of forged
// names makes bans by the thousand, and none of them may cost a line each.

import type { EngineClock, TimerHandle } from '../clock.ts';
import type { Ban } from './guard.ts';

const EVERY_MS = 1_000;
const NAMED_MAX = 20;

export class BanNotices {
  readonly #clock: EngineClock;
  readonly #tell: (bans: readonly Ban[], more: number) => void;
  #bans: Ban[] = [];
  #more = 0;
  #timer: TimerHandle | undefined;

  constructor(clock: EngineClock, tell: (bans: readonly Ban[], more: number) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  add(ban: Ban): void {
    if (this.#bans.length < NAMED_MAX) this.#bans.push(ban);
    else this.#more += 1;
    this.#timer ??= this.#clock.setTimer(() => this.#flush(), EVERY_MS);
  }

  close(): void {
    this.#timer?.cancel();
  }

  #flush(): void {
    this.#timer = undefined;
    const [bans, more] = [this.#bans, this.#more];
    this.#bans = [];
    this.#more = 0;
    this.#tell(bans, more);
  }
}
