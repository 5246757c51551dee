// Hot path: the payload of RFC 4733 section 2.3 (drawn in receiver.ts), as we send it.

export const EVENT_BYTES = 4;
const END_BIT = 0x80;
/** -10 dBm0, as most send. */
const VOLUME = 10;

/** `duration` in units of the events' clock, at most 65535. */
export function writeEvent(bytes: Buffer, at: number, code: number, isEnd: boolean, duration: number): void {
  bytes[at] = code;
  bytes[at + 1] = isEnd ? END_BIT | VOLUME : VOLUME;
  bytes[at + 2] = duration >>> 8;
  bytes[at + 3] = duration & 0xff;
}
