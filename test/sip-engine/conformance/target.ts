import net from 'node:net';
import { afterEach, test } from 'vitest';
import { createEngine } from '../../../src/sip-engine/engine.ts';
import type { EngineOptions } from '../../../src/sip-engine/engine-options.ts';
import { RawSipPeer } from '../../support/raw-sip-peer.ts';
import { FakeEngineClock } from '../support/fake-clock.ts';
import { REFERENCE, ReferenceServer } from '../support/reference-server.ts';
import { WireClient } from './wire-client.ts';

// What the suite runs against: this engine in the test's own process, or, with DRACHTIO_BIN=/path/to/drachtio, a spawned
// drachtio-server. Items where the reference is known to differ are skipped for it, with the reason in their name: a section of
// the wire protocol specification, `[E]` where that section recommends to do otherwise than the reference.
// Items of long timers run against the reference only with DRACHTIO_REAL_TIME=1: its clock cannot be moved, so they take minutes.

export const SECRET = 'cymru';
const IS_REAL_TIME = process.env['DRACHTIO_REAL_TIME'] === '1';
/** Longest of the items in real time: a session of 100 s refreshed twice, and then not. */
const REAL_TIME_TIMEOUT_MS = 400_000;

export interface Target {
  readonly sipPort: number;
  readonly tcpPort: number;
  /** 0 where the target does not listen there: it is started with `engine`. */
  readonly tlsPort: number;
  readonly wsPort: number;
  readonly wirePort: number;
  /** What the engine holds. Not possible with the reference. */
  holds(): { transactions: number; dialogs: number; requests: number; timers: number };
  /** Moves the engine's clock while sockets run in real time between the steps; with the reference, waits so long. */
  advance(ms: number, stepMs?: number): Promise<void>;
  close(): Promise<void>;
}

export interface TargetOptions {
  /** Time moves only by `advance`. The reference keeps its own time. */
  readonly fakeClock?: boolean;
  readonly engine?: Partial<EngineOptions>;
}

type Verdict = { readonly reference: 'same' | 'slow' } | { readonly reference: { readonly skip: string } };

/** One item of section 7 of the wire protocol specification. */
export function item(number: number, sentence: string, verdict: Verdict, run: () => Promise<void>): void {
  const skip = REFERENCE === undefined ? undefined : reasonToSkip(verdict);
  const name = `${number}. ${sentence}${skip === undefined ? '' : ` [reference skipped: ${skip}]`}`;
  const isSlow = REFERENCE !== undefined && verdict.reference === 'slow';
  test.skipIf(skip !== undefined)(name, isSlow ? { timeout: REAL_TIME_TIMEOUT_MS } : {}, run);
}

function reasonToSkip({ reference }: Verdict): string | undefined {
  if (reference === 'same') return undefined;
  if (reference !== 'slow') return reference.skip;
  return IS_REAL_TIME ? undefined : 'takes minutes: DRACHTIO_REAL_TIME=1';
}

export const SAME: Verdict = { reference: 'same' };
export const NEEDS_CLOCK: Verdict = { reference: 'slow' };

/** @param skip what the reference does instead, and where the specification says so. */
export function differs(skip: string): Verdict {
  return { reference: { skip } };
}

const toClose: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

export async function startTarget(options: TargetOptions = {}): Promise<Target> {
  const target = REFERENCE === undefined ? await startEngine(options) : await startReference(REFERENCE, options);
  toClose.push(() => target.close());
  return target;
}

export async function udpPeer(address?: string): Promise<RawSipPeer> {
  const peer = await RawSipPeer.udp(address);
  toClose.push(() => peer.close());
  return peer;
}

export async function tcpPeer(port: number): Promise<RawSipPeer> {
  const peer = await RawSipPeer.tcp(port);
  toClose.push(() => peer.close());
  return peer;
}

/** An authenticated raw application that wants these verbs. */
export async function application(target: Target, ...verbs: string[]): Promise<WireClient> {
  const client = await WireClient.ready(target.wirePort, SECRET, ...verbs);
  toClose.push(() => client.close());
  return client;
}

export async function stranger(target: Target): Promise<WireClient> {
  const client = await WireClient.connect(target.wirePort);
  toClose.push(() => client.close());
  return client;
}

export function atEnd(close: () => Promise<void> | void): void {
  toClose.push(close);
}

/** Real time for sockets to carry what was just written; no timer of the engine is waited for. */
export function settle(ms = 30): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A port where nobody listens. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

async function startEngine(options: TargetOptions): Promise<Target> {
  const here = { host: '127.0.0.1', port: 0 };
  const clock = options.fakeClock === true ? new FakeEngineClock() : undefined;
  const faults: unknown[] = [];
  const engine = await createEngine(
    {
      udp: here,
      tcp: here,
      wire: { ...here, secret: SECRET },
      ...(clock === undefined ? {} : { echoGapMs: 0 }),
      ...options.engine,
    },
    { ...(clock === undefined ? {} : { clock }), onFault: (error) => faults.push(error) },
  );
  const portOf = (protocol: string): number => engine.addresses.find((a) => a.protocol === protocol)?.port ?? 0;
  return {
    sipPort: portOf('udp'),
    tcpPort: portOf('tcp'),
    tlsPort: portOf('tls'),
    wsPort: portOf('ws'),
    wirePort: engine.wirePort,
    holds: () => {
      const { openTransactions: transactions, openDialogs: dialogs, openRequests: requests } = engine.stats();
      return { transactions, dialogs, requests, timers: clock?.pendingTimers ?? 0 };
    },
    advance: async (ms, stepMs = 500) => {
      if (clock === undefined) throw new Error('start the target with fakeClock to move time');
      for (let left = ms; left > 0; left -= stepMs) {
        clock.advance(Math.min(left, stepMs));
        await settle(2);
      }
      await settle();
    },
    close: async () => {
      await engine.close();
      if (faults.length > 0) throw new AggregateError(faults, 'the engine reported faults');
    },
  };
}

async function startReference(binary: string, { engine }: TargetOptions): Promise<Target> {
  const { externalAddress } = engine ?? {};
  const server = await ReferenceServer.start(binary, {
    secret: SECRET,
    ...(externalAddress === undefined ? {} : { externalAddress }),
  });
  return {
    sipPort: server.sipPort,
    tcpPort: server.sipPort,
    tlsPort: 0,
    wsPort: 0,
    wirePort: server.wirePort,
    holds: () => {
      throw new Error('the reference does not tell');
    },
    advance: (ms) => settle(ms),
    close: () => server.close(),
  };
}
