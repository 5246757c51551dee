// The WebSocket server of the bundled agents: a plain Twilio Media Streams runtime, as a customer would write one. Runs in whatever thread
// calls it (the gateway gives it one of its own, see server.ts).
//
// Invariants
// L1. An upgrade without a valid X-Twilio-Signature gets 401; an unknown path 404. Both without a body.
// L2. A peer that does not read is disconnected at BUFFERED_BYTES_MAX; one that talks nonsense is ignored message by message.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';

import type { BundledAgent, Conversation } from './conversation.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0 = a free port. */
  readonly port: number;
  readonly authToken: string;
  /** Path (`/echo`) to agent. */
  readonly agents: ReadonlyMap<string, BundledAgent>;
}

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

const MESSAGE_BYTES_MAX = 64 * 1024;
/** A minute of audio in base64 messages. */
const BUFFERED_BYTES_MAX = 1024 * 1024;
/** RFC 6455 section 7.4: normal closure, and an error of the server. */
const CLOSE_DONE = 1000;
const CLOSE_FAILED = 1011;

export async function listen({ host, port, authToken, agents }: ListenerOptions): Promise<Listener> {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX, perMessageDeflate: false });
  const server = createServer((_request, response) => response.writeHead(426).end());
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const agent = agents.get(request.url ?? '');
    if (!agent) refuse(socket, '404 Not Found');
    else if (!isSigned(request, authToken)) refuse(socket, '401 Unauthorized');
    else sockets.handleUpgrade(request, socket, head, (webSocket) => converse(webSocket, agent));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const client of sockets.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One call: messages in, conversation out. The stream is known from `start` on. */
function converse(webSocket: WebSocket, agent: BundledAgent): void {
  let streamSid: string | undefined;
  let conversation: Conversation | undefined;
  const send = (message: Record<string, unknown>): void => {
    if (webSocket.bufferedAmount > BUFFERED_BYTES_MAX) webSocket.terminate();
    else webSocket.send(JSON.stringify({ ...message, streamSid }));
  };
  webSocket.on('error', () => webSocket.terminate());
  webSocket.on('message', (data, isBinary) => {
    const message = isBinary ? undefined : parse(data);
    if (message?.event === 'start' && !conversation) {
      streamSid = text(message.streamSid);
      conversation = agent.answer({
        parameters: texts(message.start?.customParameters),
        say: (payload) => send({ event: 'media', media: { payload } }),
        mark: (name) => send({ event: 'mark', mark: { name } }),
        clear: () => send({ event: 'clear' }),
        hangUp: (how) => webSocket.close(how === 'done' ? CLOSE_DONE : CLOSE_FAILED),
      });
    } else if (message?.event === 'media') conversation?.heard(text(message.media?.payload));
    else if (message?.event === 'mark') conversation?.markPlayed(text(message.mark?.name));
  });
}

interface PlatformMessage {
  readonly event?: string;
  readonly streamSid?: unknown;
  readonly start?: { readonly customParameters?: unknown } | null;
  readonly media?: { readonly payload?: unknown } | null;
  readonly mark?: { readonly name?: unknown } | null;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function texts(value: unknown): Record<string, string> {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** Any JSON, or undefined: what is read from it is checked where it is used. */
function parse(data: RawData): PlatformMessage | null | undefined {
  try {
    return JSON.parse(data.toString()) as PlatformMessage | null;
  } catch {
    return undefined;
  }
}

function isSigned(request: IncomingMessage, authToken: string): boolean {
  const url = `ws://${request.headers.host ?? ''}${request.url ?? ''}`;
  const expected = createHmac('sha1', authToken).update(url).digest();
  const given = Buffer.from(String(request.headers['x-twilio-signature'] ?? ''), 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
