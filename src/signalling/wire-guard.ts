// What comes from the SIP engine, before the library sees it: it is counted, and kept from the library where that would throw or print it.

import type { RawWire } from './drachtio-shapes.ts';
import { countFrame, isReadable, type SignallingObserver } from './frames.ts';
import type { Guard } from './guard.ts';

/** Takes the place of the library's own listeners; once, in the turn in which it began to connect. */
export function guardWire(wire: RawWire, guard: Guard, observer: SignallingObserver): void {
  const deliver = wire.listeners('msg')[0];
  wire.removeAllListeners('msg');
  wire.on('msg', (socket, text) => {
    guard.safely(() => countFrame(text, observer));
    if (isReadable(text)) guard.safely(() => deliver?.(socket, text));
    else guard.fault(new Error('the SIP engine sent a message that is no SIP'));
  });
  wire.on('connect', (socket) => {
    const [receive] = socket.listeners('data');
    socket.removeAllListeners('data');
    socket.on('data', (chunk) => {
      // Where it throws the stream of frames is out of step: only a new connection helps.
      guard.attempt(
        () => receive?.(chunk),
        () => socket.destroy(),
      );
    });
  });
}
