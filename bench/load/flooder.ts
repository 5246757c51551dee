// Strangers that flood: requests of nobody at an even rate, from one address or from many of 127.0.0.0/8, over UDP. An open loop that reads the
// answers only to count them.
//
// Messages: {type:'run', …FloodLoad} -> {type:'done', …FloodFigures} when the last was sent.

import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';

export type FloodKind = 'INVITE' | 'REGISTER' | 'OPTIONS' | 'junk' | 'mixed';

export interface FloodLoad {
  readonly host: string;
  readonly port: number;
  readonly kind: FloodKind;
  readonly perSecond: number;
  readonly seconds: number;
  /** How many addresses, from 127.1.0.1 on. */
  readonly sources: number;
}

export interface FloodFigures {
  readonly sent: number;
  readonly answered: number;
  readonly tookMs: number;
}

const KINDS = ['INVITE', 'REGISTER', 'OPTIONS', 'junk'] as const;
const TICK_MS = 5;
/** Prepared messages: making them costs more than sending them. */
const PREPARED = 2_000;
const ID = '0123456789abcdef';
const RUN = randomBytes(8).toString('hex');

process.on('message', (message: { type: string } & FloodLoad) => {
  if (message.type === 'run') void run(message);
});
process.on('disconnect', () => process.exit(0));

async function run(load: FloodLoad): Promise<void> {
  let answered = 0;
  const sockets = await Promise.all(
    Array.from({ length: load.sources }, (_, i) => open(`127.1.${i >> 8}.${1 + ((i & 255) % 254)}`, () => answered++)),
  );
  const messages = Array.from({ length: PREPARED }, (_, i) =>
    prepared(textOf(load.kind === 'mixed' ? (KINDS[i % KINDS.length] ?? 'junk') : load.kind, load)),
  );
  const total = load.perSecond * load.seconds;
  const startMs = performance.now();
  let sent = 0;
  await new Promise<void>((resolve) => {
    const tick = () => {
      const due = Math.min(total, Math.floor(((performance.now() - startMs) * load.perSecond) / 1000));
      for (; sent < due; sent++) {
        sockets[sent % sockets.length]?.send(
          renewed(messages[sent % PREPARED] as Prepared, sent),
          load.port,
          load.host,
        );
      }
      if (sent >= total) resolve();
      else setTimeout(tick, TICK_MS);
    };
    tick();
  });
  const tookMs = performance.now() - startMs;
  for (const socket of sockets) socket.close();
  const figures: FloodFigures = { sent, answered, tookMs };
  process.send?.({ type: 'done', ...figures });
}

async function open(address: string, onAnswer: () => void): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('message', onAnswer);
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  return socket;
}

interface Prepared {
  readonly bytes: Buffer;
  /** Where the id stands: in branch, tag and Call-ID. */
  readonly at: readonly number[];
}

function prepared(bytes: Buffer): Prepared {
  const at: number[] = [];
  for (let found = bytes.indexOf(ID); found !== -1; found = bytes.indexOf(ID, found + 1)) at.push(found);
  return { bytes, at };
}

/** A request of its own each time, and no copy of an earlier one, which would cost less. */
function renewed({ bytes, at }: Prepared, number: number): Buffer {
  const id = number.toString(16).padStart(ID.length, RUN);
  for (const position of at) bytes.write(id, position, 'latin1');
  return bytes;
}

function textOf(kind: Exclude<FloodKind, 'mixed'>, { host, port }: FloodLoad): Buffer {
  if (kind === 'junk') return randomBytes(400);
  const user = kind === 'REGISTER' ? String(100 + (randomBytes(2).readUInt16BE(0) % 900)) : '+12025550100';
  const body =
    kind === 'INVITE'
      ? 'v=0\r\no=- 1 1 IN IP4 127.1.0.1\r\ns=-\r\nc=IN IP4 127.1.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n'
      : '';
  const lines = [
    `${kind} sip:${user}@${host}:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.1.0.1:5060;branch=z9hG4bK${ID};rport`,
    'Max-Forwards: 70',
    `From: <sip:${ID}@127.1.0.1>;tag=${ID}`,
    `To: <sip:${user}@${host}>`,
    `Call-ID: ${ID}`,
    `CSeq: 1 ${kind}`,
    `Contact: <sip:${ID}@127.1.0.1:5060>`,
    'User-Agent: Phone',
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
