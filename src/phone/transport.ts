// Where the phone's SIP messages go out and come in: one UDP socket, or a TCP listener with its connections.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket as TcpSocket } from 'node:net';

export type TransportKind = 'udp' | 'tcp';

/** Where a message came from, and the way back to it. */
export interface Origin {
  readonly address: string;
  readonly port: number;
  reply(text: string): void;
}

export interface Transport {
  readonly kind: TransportKind;
  readonly port: number;
  send(text: string, address: string, port: number): void;
  close(): Promise<void>;
}

export type Receiver = (text: string, origin: Origin) => void;

const UDP_BUFFER_BYTES = 4 << 20;

export async function openTransport(
  kind: TransportKind,
  host: string,
  port: number,
  receiver: Receiver,
): Promise<Transport> {
  return kind === 'udp' ? await openUdp(host, port, receiver) : await openTcp(host, port, receiver);
}

async function openUdp(host: string, port: number, receiver: Receiver): Promise<Transport> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: UDP_BUFFER_BYTES });
  const send = (text: string, address: string, to: number) => socket.send(text, to, address);
  socket.on('message', (bytes, from) => {
    const reply = (text: string) => send(text, from.address, from.port);
    receiver(bytes.toString('utf8'), { address: from.address, port: from.port, reply });
  });
  socket.bind(port, host);
  await once(socket, 'listening');
  return {
    kind: 'udp',
    port: socket.address().port,
    send,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

async function openTcp(host: string, port: number, receiver: Receiver): Promise<Transport> {
  const connections = new Map<string, TcpSocket>();
  const adopt = (socket: TcpSocket, address: string, to: number) => {
    const key = `${address}:${to}`;
    connections.set(key, socket);
    let pending = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      pending = drain(pending + chunk, (text) =>
        receiver(text, { address, port: to, reply: (answer) => socket.write(answer) }),
      );
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => connections.delete(key));
    return socket;
  };
  const server = createServer((socket) => adopt(socket, socket.remoteAddress ?? '', socket.remotePort ?? 0));
  server.listen(port, host);
  await once(server, 'listening');
  return {
    kind: 'tcp',
    port: (server.address() as AddressInfo).port,
    send(text, address, to) {
      const open = connections.get(`${address}:${to}`);
      (open ?? adopt(connect({ host: address, port: to, localAddress: host }), address, to)).write(text);
    },
    async close() {
      for (const socket of connections.values()) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Hands over every whole message (by Content-Length, RFC 3261 section 18.3) and returns the rest. ASCII bodies only. */
function drain(buffer: string, deliver: (text: string) => void): string {
  let rest = buffer.replace(/^(\r\n)+/, '');
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) return rest;
    const length = Number(/^(?:content-length|l)\s*:\s*(\d+)/im.exec(rest.slice(0, end))?.[1] ?? 0);
    if (rest.length < end + 4 + length) return rest;
    deliver(rest.slice(0, end + 4 + length));
    rest = rest.slice(end + 4 + length).replace(/^(\r\n)+/, '');
  }
}
