// UDP sockets for a load. Addresses are IP literals here; dgram's own lookup puts even those off to the next tick, where the
// buffer that was to be sent may already hold the next frame. This one answers at once, so a packet leaves inside `send`.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

type LookupCallback = (error: null, address: string, family: number) => void;

export async function bindUdp(bufferBytes: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket({
    type: 'udp4',
    recvBufferSize: bufferBytes,
    sendBufferSize: bufferBytes,
    lookup: (address: string, _options: unknown, done: LookupCallback) => done(null, address, 4),
  } as Parameters<typeof createSocket>[0]);
  const listening = once(socket, 'listening'); // Before bind, which is done at once for the same reason.
  socket.bind(0, host);
  await listening;
  return socket;
}
