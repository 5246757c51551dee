// TLS around sipp, which Debian builds without it: what sipp says by TCP goes on over TLS, and what comes over TLS goes to sipp by TCP. Not a byte is
// changed; the scenarios say `SIP/2.0/TLS` themselves.

import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import type { Certificate } from '../../../src/sip-engine/transport/certificate.ts';

export interface TlsRelay {
  readonly port: number;
  /** Of handshakes that were completed. */
  readonly connections: () => number;
  close(): void;
}

const HOST = '127.0.0.1';
/** sipp listens some milliseconds after it was started. */
const ATTEMPT_EVERY_MS = 50;
const ATTEMPTS_MAX = 100;

/** For a sipp that calls: it connects to `port`, and stands at `tlsPort` over TLS. */
export async function relayToTls(tlsPort: number, ca: string): Promise<TlsRelay> {
  let connections = 0;
  const server = net.createServer((socket) => {
    const secure = tls.connect({ host: HOST, port: tlsPort, ca }, () => {
      connections += 1;
    });
    join(socket, secure);
  });
  return await listening(server, () => connections);
}

/** For a sipp that is called: whoever comes to `port` over TLS comes to it by TCP. */
export async function relayFromTls(sippPort: number, certificate: Certificate): Promise<TlsRelay> {
  let connections = 0;
  const server = tls.createServer(certificate, (secure) => {
    connections += 1;
    secure.pause();
    void connected(sippPort).then(
      (socket) => join(secure, socket),
      () => secure.destroy(),
    );
  });
  return await listening(server, () => connections);
}

async function listening(server: net.Server, connections: () => number): Promise<TlsRelay> {
  const sockets = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => sockets.add(socket));
  await once(server.listen(0, HOST), 'listening');
  return {
    port: (server.address() as net.AddressInfo).port,
    connections,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function connected(port: number): Promise<net.Socket> {
  for (let attempt = 1; ; attempt += 1) {
    const socket = net.connect(port, HOST);
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (attempt === ATTEMPTS_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, ATTEMPT_EVERY_MS));
    }
  }
}

function join(one: net.Socket, other: net.Socket): void {
  one.pipe(other).pipe(one);
  for (const [socket, peer] of [
    [one, other],
    [other, one],
  ] as const) {
    socket.on('error', () => peer.destroy());
    socket.on('close', () => peer.destroy());
  }
}
