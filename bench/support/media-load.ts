// One run of the media load against one subject: agent and caller are started, a few calls warm the subject up, then N calls with audio
// run through a window in which the subject's CPU is read. For the media bench and the meter bench, which say what they make of it.

import { setTimeout as pause } from 'node:timers/promises';
import type { Measured, OpenCalls } from '../load/caller.ts';
import { type SubjectOptions, startSubject, useAgent } from './demo.ts';
import { type Part, startPart, threadsOf, usageOf } from './process.ts';

export interface MediaSubject {
  readonly pid: number;
  /** How the caller reaches it. */
  target(calls: number): Promise<Omit<OpenCalls, 'calls'>>;
  stop(): Promise<void>;
}

export interface MediaLoad {
  readonly calls: number;
  /** Between the last call's answer and the window. */
  readonly warmupMs: number;
  readonly windowMs: number;
  readonly say: (text: string) => void;
}

export interface MediaFigures extends Measured {
  readonly calls: number;
  readonly failed: number;
  readonly cpuMsPerCallSecond: number;
  readonly coreShare: number;
  readonly rssIdleMb: number;
  readonly rssMb: number;
  /** CPU ms of each thread by name (process.ts `threadsOf`), before and after the window. */
  readonly threads: { readonly before: ReadonlyMap<string, number>; readonly after: ReadonlyMap<string, number> };
}

const BYTES_PER_MB = 1024 * 1024;
const PREPARING_CALLS = 10;
const PREPARING_MS = 3000;
const IDLE_MS = 1000;
const NUMBER = '+12025550100';

/** A fresh subject and a fresh agent, both stopped afterwards. */
export async function measureMedia(
  openSubject: (agentUrl: string) => Promise<MediaSubject>,
  load: MediaLoad,
): Promise<MediaFigures> {
  const agent = startPart(new URL('../load/echo-agent.ts', import.meta.url), 'load');
  try {
    const { port } = await agent.next<{ port: number }>('listening');
    const subject = await openSubject(`ws://127.0.0.1:${port}/`);
    try {
      await prepare(subject, load);
      return await measure(subject, load);
    } finally {
      await subject.stop();
    }
  } finally {
    await agent.stop();
  }
}

/** The gateway with the bench's agent behind its number. */
export async function gatewaySubject(agentUrl: string, options: SubjectOptions = {}): Promise<MediaSubject> {
  const gateway = await startSubject(options);
  await useAgent(gateway, agentUrl);
  return {
    pid: gateway.pid,
    target: async () => ({ sip: { host: '127.0.0.1', port: gateway.sip.udpPort, user: NUMBER } }),
    stop: async () => void (await gateway.stop()),
  };
}

async function prepare(subject: MediaSubject, { say }: MediaLoad): Promise<void> {
  const caller = await openCaller(subject, PREPARING_CALLS, say);
  caller.part.send({ type: 'measure' });
  await pause(PREPARING_MS);
  await closeCaller(caller.part);
  await pause(IDLE_MS);
}

async function measure(subject: MediaSubject, load: MediaLoad): Promise<MediaFigures> {
  const idle = usageOf(subject.pid);
  const { part, answered, failures } = await openCaller(subject, load.calls, load.say);
  await pause(load.warmupMs);
  const threadsBefore = threadsOf(subject.pid);
  const before = usageOf(subject.pid);
  part.send({ type: 'measure' });
  await pause(load.windowMs);
  const after = usageOf(subject.pid);
  const threadsAfter = threadsOf(subject.pid);
  const measured = await closeCaller(part);
  const seconds = (after.atMs - before.atMs) / 1000;
  return {
    ...measured,
    calls: answered,
    failed: failures.length,
    cpuMsPerCallSecond: (after.cpuMs - before.cpuMs) / (seconds * answered),
    coreShare: (after.cpuMs - before.cpuMs) / (seconds * 1000),
    rssIdleMb: idle.rssBytes / BYTES_PER_MB,
    rssMb: after.rssBytes / BYTES_PER_MB,
    threads: { before: threadsBefore, after: threadsAfter },
  };
}

async function openCaller(
  subject: MediaSubject,
  calls: number,
  say: (text: string) => void,
): Promise<{ part: Part; answered: number; failures: readonly number[] }> {
  const part = startPart(new URL('../load/caller.ts', import.meta.url), 'load');
  const message: OpenCalls = { calls, ...(await subject.target(calls)) };
  part.send({ type: 'open', ...message });
  const up = await part.next<{ answered: number; failures: number[] }>('up', 120_000);
  if (up.failures.length > 0) say(`calls failed with ${up.failures.join(', ')}`);
  if (up.answered === 0) throw new Error(`none of ${calls} calls was answered`);
  return { part, ...up };
}

async function closeCaller(part: Part): Promise<Measured> {
  part.send({ type: 'finish' });
  const measured = await part.next<Measured>('measured');
  await part.next('down', 15_000);
  await part.stop();
  return measured;
}
