// A drachtio-server of its own for one test: the binary named by DRACHTIO_BIN, on loopback, with a configuration file that lives as
// long as it does.
//   R1 `start` resolves when the server answers an OPTIONS: its wire port opens, and `authenticate` names its listeners, while the
//      rest of it is still being made, and a request of an application in that moment ends it with SIGSEGV.
//   R2 The process is gone when `close` resolves, and also when this process exits without calling it.
//   R3 A server that ends by itself is a failure of the test that used it, reported with the end of its log.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import dgram from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BaseTimers } from '../../../src/sip-engine/transaction/timers.ts';
import { RawSipPeer, requestText } from '../../support/raw-sip-peer.ts';
import { WireClient } from '../conformance/wire-client.ts';

/** Path of the drachtio-server to test against; unset, the tests run against this engine. */
export const REFERENCE: string | undefined = process.env['DRACHTIO_BIN'] || undefined;

const START_TIMEOUT_MS = 10_000;
/** End of the server's log that a failure shows. */
const LOG_TAIL_CHARS = 4_000;

export interface ReferenceServerOptions {
  readonly secret: string;
  /** Ports chosen before: a server that takes the place of another. */
  readonly wirePort?: number;
  readonly sipPort?: number;
  /** Serves applications over TLS as well, at `tlsWirePort`. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  readonly tlsWirePort?: number;
  /** Sends HEP to this UDP port of loopback. */
  readonly capturePort?: number;
  /** The address it gives itself in messages, as a server behind a NAT does. */
  readonly externalAddress?: string;
  /** Timers of its transactions. Those of its 200 and of its sessions are built in. */
  readonly timers?: BaseTimers;
}

interface Ports {
  readonly sip: number;
  readonly wire: number;
  readonly tlsWire: number;
}

export class ReferenceServer {
  readonly sipPort: number;
  readonly wirePort: number;
  /** 0 where it has no certificate. */
  readonly tlsWirePort: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #log = '';
  #isClosing = false;

  private constructor(binary: string, folder: string, ports: Ports) {
    this.sipPort = ports.sip;
    this.wirePort = ports.wire;
    this.tlsWirePort = ports.tlsWire;
    this.#child = spawn(binary, ['--file', join(folder, 'drachtio.conf.xml')], { stdio: ['ignore', 'pipe', 'pipe'] });
    const killed = () => void this.#child.kill('SIGKILL');
    process.once('exit', killed);
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (text: Buffer) => {
        this.#log = (this.#log + text.toString()).slice(-LOG_TAIL_CHARS);
      });
    this.#ended = new Promise((resolve) => {
      const end = () => {
        process.off('exit', killed);
        rmSync(folder, { recursive: true, force: true });
        resolve();
      };
      this.#child.once('close', end);
      this.#child.once('error', (error) => {
        this.#log += String(error);
        end();
      });
    });
  }

  /** @throws when the server does not listen in time, with the end of its log. */
  static async start(binary: string, options: ReferenceServerOptions): Promise<ReferenceServer> {
    const wire = options.wirePort ?? (await freePort());
    const sip = options.sipPort ?? (await freePort(wire));
    const ports = {
      wire,
      sip,
      tlsWire: options.certificate === undefined ? 0 : (options.tlsWirePort ?? (await freePort(wire, sip))),
    };
    const folder = mkdtempSync(join(tmpdir(), 'reference-sip-'));
    if (options.certificate !== undefined) writeTlsFiles(folder, options.certificate);
    writeFileSync(join(folder, 'drachtio.conf.xml'), configuration(folder, ports, options));
    const server = new ReferenceServer(binary, folder, ports);
    if (await server.#listens(options.secret)) return server;
    await server.#kill();
    throw new Error(`${binary} does not listen:\n${server.#log}`);
  }

  /** @throws when the server had ended before. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async close(): Promise<void> {
    const end = this.#isClosing ? null : this.#end;
    await this.#kill();
    if (end !== null) throw new Error(`the reference server ended by itself (${end}):\n${this.#log}`);
  }

  /** How it ended: a signal, a code, or not at all. */
  get #end(): string | number | null {
    return this.#child.signalCode ?? this.#child.exitCode;
  }

  #kill(): Promise<void> {
    this.#isClosing = true;
    this.#child.kill('SIGKILL');
    return this.#ended;
  }

  async #listens(secret: string): Promise<boolean> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (performance.now() < deadline && this.#end === null) {
      const listeners = await authenticate(this.wirePort, secret);
      const hasBoth = ['udp', 'tcp'].every((protocol) => listeners.includes(`${protocol}/127.0.0.1:${this.sipPort}`));
      if (hasBoth && (await answersOptions(this.sipPort))) return true;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return false;
  }
}

/** The local host-ports of the reply to `authenticate`, or an empty text while there is none. */
async function authenticate(port: number, secret: string): Promise<string> {
  const client = await WireClient.connect(port).catch(() => undefined);
  if (client === undefined) return '';
  const reply = await client.ask(`authenticate|${secret}|`, undefined, 1_000).catch(() => undefined);
  client.close();
  return reply?.tokens[6] ?? '';
}

/** Any answer will do: 503, since no application is there. */
async function answersOptions(port: number): Promise<boolean> {
  const peer = await RawSipPeer.udp();
  const id = randomUUID();
  const uri = `sip:127.0.0.1:${port}`;
  const from = `<${uri}>;tag=ready`;
  const request = { method: 'OPTIONS', uri, callId: id, from, to: `<${uri}>`, sequence: 1, branch: `z9hG4bK${id}` };
  peer.send(requestText(peer, request), port);
  const answer = await peer.next(({ status }) => status !== undefined, 200).catch(() => undefined);
  await peer.close();
  return answer !== undefined;
}

/** The server wants parameters of its own for Diffie-Hellman; a named group (RFC 7919) takes no time to make. */
function writeTlsFiles(folder: string, { cert, key }: { readonly cert: string; readonly key: string }): void {
  const group = ['genpkey', '-genparam', '-algorithm', 'DH', '-pkeyopt', 'group:ffdhe2048'];
  const dh = spawnSync('openssl', group, { encoding: 'utf8' }).stdout;
  for (const [name, text] of Object.entries({ cert, key, dh })) writeFileSync(join(folder, `${name}.pem`), text);
}

/** Without a file the server refuses to start, even when told to need none. */
function configuration(folder: string, ports: Ports, options: ReferenceServerOptions): string {
  const { timers, certificate, capturePort } = options;
  const tls = certificate === undefined ? '' : ` tls-port="${ports.tlsWire}"`;
  const external = options.externalAddress === undefined ? '' : ` external-ip="${options.externalAddress}"`;
  return [
    '<drachtio>',
    `  <admin port="${ports.wire}" secret="${options.secret}"${tls}>127.0.0.1</admin>`,
    '  <sip>',
    '  <contacts>',
    `    <contact${external}>sip:127.0.0.1:${ports.sip};transport=udp,tcp</contact>`,
    '  </contacts>',
    ...(certificate === undefined
      ? []
      : [
          `  <tls><key-file>${join(folder, 'key.pem')}</key-file><cert-file>${join(folder, 'cert.pem')}</cert-file>`,
          `  <chain-file>${join(folder, 'cert.pem')}</chain-file>`,
          `  <dh-param>${join(folder, 'dh.pem')}</dh-param></tls>`,
        ]),
    ...(capturePort === undefined
      ? []
      : [`  <capture-server port="${capturePort}" hep-version="3" id="101">127.0.0.1</capture-server>`]),
    ...(timers === undefined
      ? []
      : [
          `  <timers><t1>${timers.t1Ms}</t1><t2>${timers.t2Ms}</t2>`,
          `    <t4>${timers.t4Ms}</t4><t1x64>${64 * timers.t1Ms}</t1x64></timers>`,
        ]),
    '  </sip>',
    '  <logging><console/><loglevel>info</loglevel></logging>',
    '</drachtio>',
    '',
  ].join('\n');
}

/** A port free for UDP and TCP, below the ones the system hands out to peers while the server starts. */
async function freePort(...taken: readonly (number | undefined)[]): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (!taken.includes(port) && (await isFreeTcp(port)) && (await isFreeUdp(port))) return port;
  }
  throw new Error('no free port for the reference server');
}

function isFreeTcp(port: number): Promise<boolean> {
  const server = net.createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function isFreeUdp(port: number): Promise<boolean> {
  const socket = dgram.createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}
