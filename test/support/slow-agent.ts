// An agent that lets callers wait: it takes the TCP connection and answers the upgrade late or never, so that a call rings as
// long as a test wants it to.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface SlowAgent {
  readonly url: string;
  /** Connections taken so far. */
  readonly attempts: number;
  close(): Promise<void>;
}

export async function startSlowAgent(): Promise<SlowAgent> {
  const sockets = new Set<Socket>();
  let attempts = 0;
  const server = createServer((socket) => {
    attempts++;
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    get attempts() {
      return attempts;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
