// The TCP side of the wire protocol: accepts applications and shares new requests among them.
//
// Invariants
//   A1. Loopback only: the protocol has no encryption and its secret travels in the clear.
//   A2. New requests go round robin over the applications that asked for the method; a lost one is skipped (4.10).
import { createServer, type Server, type Socket } from 'node:net';
import type { Application, ApplicationPool } from '../dialog/application.ts';
import type { FrameIds } from './frames.ts';
import { type SessionCore, WireSession } from './session.ts';

/** Applications at a time: an edge has one, a test a handful. */
const SESSIONS_MAX = 64;

export interface WireServerOptions {
  readonly ids: FrameIds;
  readonly secret: string;
  /** Called once the transports listen. */
  readonly hostPorts: () => { external: string; local: string };
  readonly core: SessionCore;
  readonly onFault: (error: unknown) => void;
  readonly applicationLost: (application: Application) => void;
}

export class WireServer implements ApplicationPool {
  readonly #options: WireServerOptions;
  readonly #server: Server;
  /** In order of connection; round robin moves the one just used to the end of its method's turn. */
  readonly #sessions = new Set<WireSession>();
  /** Last application used, by method. */
  readonly #last = new Map<string, WireSession>();

  constructor(options: WireServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** @returns the port. @throws WireAddressError when the host is not loopback. */
  listen(host: string, port: number): Promise<number> {
    if (!isLoopback(host)) return Promise.reject(new WireAddressError(host));
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  pick(method: string): Application | undefined {
    const verb = method.toLowerCase();
    const candidates = [...this.#sessions].filter((session) => session.open && session.verbs.has(verb));
    if (candidates.length === 0) return undefined;
    const last = this.#last.get(verb);
    const next = candidates[(candidates.indexOf(last as WireSession) + 1) % candidates.length]!;
    this.#last.set(verb, next);
    return next;
  }

  async close(): Promise<void> {
    for (const session of [...this.#sessions]) session.close();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    if (this.#sessions.size >= SESSIONS_MAX) return void socket.destroy();
    const session = new WireSession(socket, {
      ids: this.#options.ids,
      secret: this.#options.secret,
      hostPorts: this.#options.hostPorts(),
      core: this.#options.core,
      onFault: this.#options.onFault,
      closed: (closed) => this.#closed(closed),
    });
    this.#sessions.add(session);
  }

  #closed(session: WireSession): void {
    this.#sessions.delete(session);
    for (const [verb, last] of this.#last) if (last === session) this.#last.delete(verb);
    this.#options.applicationLost(session);
  }
}

export class WireAddressError extends Error {
  readonly code = 'wire_address_not_loopback';

  constructor(host: string) {
    super(`the wire protocol listens on loopback only, not on ${host}`);
    this.name = 'WireAddressError';
  }
}

function isLoopback(host: string): boolean {
  return host === '::1' || host === 'localhost' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
