// The SIP engine below our signalling in a test: this project's, or, with DRACHTIO_BIN=/path/to/drachtio, a drachtio-server.

import { test } from 'vitest';
import { createEngine } from '../../src/sip-engine/engine.ts';
import type { EngineClock } from '../../src/sip-engine/clock.ts';
import type { BaseTimers } from '../../src/sip-engine/transaction/timers.ts';
import { REFERENCE, ReferenceServer } from '../sip-engine/support/reference-server.ts';

export const SECRET = 'secret of this test';

export interface EngineUnderTest {
  readonly sipPort: number;
  readonly tcpPort: number;
  readonly wirePort: number;
  /** Dialogs it holds; the reference does not tell, and is taken to hold none. */
  openDialogs(): number;
  close(): Promise<void>;
}

export interface EngineUnderTestOptions {
  readonly timers?: BaseTimers;
  /** Only of our engine: the reference keeps its own time. */
  readonly engineClock?: EngineClock;
  /** Only of our engine, as the gateway has it (EngineOptions). */
  readonly reasons?: Readonly<Record<string, string>>;
  /** To take the place of another. */
  readonly wirePort?: number;
}

/** A test of what the reference does not do; `lack` says what, with the section of the wire protocol specification. */
export function exceptReference(lack: string): (name: string, run: () => Promise<void>, timeoutMs?: number) => void {
  const isSkipped = REFERENCE !== undefined;
  return (name, run, timeoutMs) =>
    void test.skipIf(isSkipped)(isSkipped ? `${name} [reference skipped: ${lack}]` : name, run, timeoutMs);
}

export function startEngineUnderTest(options: EngineUnderTestOptions = {}): Promise<EngineUnderTest> {
  return REFERENCE === undefined ? startOurs(options) : startReference(REFERENCE, options);
}

async function startOurs({
  timers,
  engineClock,
  reasons,
  wirePort = 0,
}: EngineUnderTestOptions): Promise<EngineUnderTest> {
  const here = { host: '127.0.0.1', port: 0 };
  const engine = await createEngine(
    { udp: here, tcp: here, wire: { host: '127.0.0.1', port: wirePort, secret: SECRET }, reasons },
    { ...(timers === undefined ? {} : { timers }), ...(engineClock === undefined ? {} : { clock: engineClock }) },
  );
  const portOf = (wanted: string) => engine.addresses.find(({ protocol }) => protocol === wanted)?.port ?? 0;
  return {
    sipPort: portOf('udp'),
    tcpPort: portOf('tcp'),
    wirePort: engine.wirePort,
    openDialogs: () => engine.stats().openDialogs,
    close: () => engine.close(),
  };
}

async function startReference(
  binary: string,
  { timers, engineClock, wirePort }: EngineUnderTestOptions,
): Promise<EngineUnderTest> {
  if (engineClock !== undefined) throw new Error('the clock of the reference cannot be moved: skip this test for it');
  const server = await ReferenceServer.start(binary, {
    secret: SECRET,
    ...(timers === undefined ? {} : { timers }),
    ...(wirePort === undefined ? {} : { wirePort }),
  });
  return {
    sipPort: server.sipPort,
    tcpPort: server.sipPort,
    wirePort: server.wirePort,
    openDialogs: () => 0,
    close: () => server.close(),
  };
}
