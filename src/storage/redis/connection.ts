// One connection (or one Cluster) of a room to Redis, and who is at its other end.
//
//   state        event                                      next
//   connecting   the server is ready and has said who it is  ready; `onEpoch`
//   connecting   it cannot be identified, or is unsafe       connecting, after a pause; the reason is kept
//   ready        connection lost                            connecting; `onLost`, once
//   any          close                                      closed, when all that was asked is answered
//
// Invariants
//   C1. A request is sent in `ready` alone: in `connecting` it fails at once with the reason, so nothing piles up while Redis is away.
//   C2. After a reconnect nothing is sent before it is known whether this is still the same server with the same data (a Cluster goes on
//       with those of its nodes that it has; it learns of another one within moments).
//       It is whole while whoever has any of the slots has answered when it was asked last, which is after each change and every ten seconds.
//   C3. No error has a command's arguments, no text a password (failure.ts).

import type { Redis } from 'ioredis';
import type { RedisAddress } from '../../config/redis-url.ts';
import { describeRedis } from '../../config/redis-url.ts';
import type { Clock, Timer } from '../../domain/clock.ts';
import { BooksClosedError } from '../errors.ts';
import { createClient, type RedisClient, type RedisRoom } from './client.ts';
import { StoreOverloadedError, StoreUnreachableError, StoreUnsafeError } from './errors.ts';
import { failureOf } from './failure.ts';
import { SLOTS, slotOf } from './slots.ts';

/** Who answers, after each connect. */
export interface StoreEpoch {
  /** Names the server's run and the history of its data; for a Cluster, those of all masters. To be kept by who must know later. */
  readonly id: string;
  /** Undefined: this is the first connect of this process. */
  readonly previousId: string | undefined;
  /** Another run, another history: writes that were acknowledged may be lost. */
  readonly changed: boolean;
}

export interface ConnectionOptions {
  readonly address: RedisAddress;
  readonly clock: Clock;
  readonly onEpoch?: (epoch: StoreEpoch) => void;
  /** Without a connection from here until the next epoch. */
  readonly onLost?: (reason: string) => void;
  /** Requests that may wait for an answer; beyond it they are refused at once. */
  readonly inFlightMax?: number;
}

/** At 10 000 a second this is what the two seconds of a command leave behind when nothing answers. */
const IN_FLIGHT_MAX = 20_000;
/** Before a server that could not be identified is asked again, or a client that gave up connects again. */
const PAUSE_MS = 500;

export class RedisConnection<Scripts = object> {
  readonly #options: ConnectionOptions;
  readonly #client: RedisClient<Scripts>;
  #state: 'connecting' | 'ready' | 'closed' = 'connecting';
  /** Why there is no connection. */
  #failure: Error;
  /** The masters as they were last seen, by what names their run and data. */
  #serverIds: ReadonlySet<string> = new Set();
  #identifying = 0;
  #isWhole = false;
  #inFlight = 0;
  #isGathering = false;
  #pause: Timer | null = null;
  #changed = Promise.withResolvers<void>();

  constructor(options: ConnectionOptions, room: RedisRoom<Scripts>) {
    this.#options = options;
    this.#failure = new StoreUnreachableError(`${describeRedis(options.address)}: not connected yet`);
    this.#client = createClient(options.address, room);
    this.#listen();
    this.#connect();
  }

  /** Undefined before the first connect. */
  get epochId(): string | undefined {
    return epochIdOf(this.#serverIds);
  }

  /** No part of what is stored is away: one that is may come back without its last writes (C2). */
  get isWhole(): boolean {
    return this.#state === 'ready' && this.#isWhole;
  }

  /** Which part of a Cluster has this key; else all are one. */
  partOf(key: string): string {
    return this.#client.isCluster && 'slots' in this.#client ? (this.#client.slots[slotOf(key)]?.[0] ?? '') : '';
  }

  /** Resolves once connected; rejects with the reason when that is not so after `timeoutMs`. The connection goes on trying. */
  async ready(timeoutMs: number): Promise<void> {
    let timedOut = false;
    const timer = this.#options.clock.setTimer(() => {
      timedOut = true;
      this.#announce();
    }, timeoutMs);
    while (this.#state === 'connecting' && !timedOut) await this.#changed.promise;
    timer.cancel();
    if (this.#state !== 'ready') throw this.#notReady();
  }

  /** One command or more; its rejection is one of the errors of this room. */
  async run<T>(work: (client: RedisClient<Scripts>) => Promise<T>): Promise<T> {
    if (this.#state !== 'ready') throw this.#notReady();
    const { inFlightMax = IN_FLIGHT_MAX } = this.#options;
    if (this.#inFlight >= inFlightMax) throw new StoreOverloadedError(inFlightMax);
    this.#inFlight += 1;
    this.#gather();
    try {
      return await work(this.#client);
    } catch (error) {
      throw this.#named(error);
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0 && this.#isClosed()) this.#announce();
    }
  }

  async close(): Promise<void> {
    const wasClosed = this.#state === 'closed';
    this.#state = 'closed';
    // Bounded by the time that each command has.
    while (this.#inFlight > 0) await this.#changed.promise;
    if (wasClosed) return;
    this.#pause?.cancel();
    this.#client.disconnect();
    this.#announce();
  }

  /** What is asked within one turn leaves in one write: with 256 callers that is half as much again per second (bench/ledger.ts). */
  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    const streams = mastersOf(this.#client).flatMap(({ stream }) => (stream === undefined ? [] : [stream]));
    for (const stream of streams) stream.cork();
    process.nextTick(() => {
      this.#isGathering = false;
      for (const stream of streams) stream.uncork();
    });
  }

  /** The client goes on by itself after a failure of the first attempt. */
  #connect(): void {
    this.#client.connect().catch((error: unknown) => this.#noteError(error));
  }

  #listen(): void {
    const client = this.#client;
    client.on('error', (error: unknown) => this.#noteError(error));
    client.on('ready', () => void this.#identify());
    client.on('close', () => {
      // An answer that is still on its way speaks of a connection that is gone.
      this.#identifying += 1;
      this.#lost();
    });
    // ioredis gives up for good where a Sentinel announces a failover while it is just connecting.
    client.on('end', () => {
      if (!this.#isClosed()) this.#later(() => this.#connect());
    });
    if (!client.isCluster) return;
    // A Cluster changes under its connection: a node joins, leaves, restarts or takes over.
    client.on('node error', (error: unknown) => this.#noteError(error));
    for (const event of ['+node', '-node', 'refresh']) client.on(event, () => void this.#identifyAgain());
  }

  /** Asks every master who it is. */
  async #identify(): Promise<void> {
    this.#identifying += 1;
    const attempt = this.#identifying;
    try {
      const masters = mastersOf(this.#client);
      const servers = await Promise.all(masters.map(async (master) => readServer(await master.info())));
      if (attempt !== this.#identifying || this.#isClosed()) return;
      if (servers.length === 0) throw new StoreUnreachableError('Redis: no node of the Cluster answers');
      for (const server of servers) checkSafe(server);
      this.#isWhole = haveAllSlots(this.#client, masters);
      this.#isReady(servers.map((server) => server.id));
    } catch (error) {
      if (attempt === this.#identifying) this.#notIdentified(error);
    }
  }

  async #identifyAgain(): Promise<void> {
    if (this.#client.status === 'ready') await this.#identify();
  }

  #isReady(serverIds: readonly string[]): void {
    const previousId = epochIdOf(this.#serverIds);
    // A Cluster that lost a node has no other data; the node that takes over has.
    const isKnown = serverIds.every((id) => this.#serverIds.has(id));
    const wasReady = this.#state === 'ready';
    this.#state = 'ready';
    this.#failure = new StoreUnreachableError(`${describeRedis(this.#options.address)}: the connection was lost`);
    if (!isKnown) this.#serverIds = new Set(serverIds);
    if (isKnown && wasReady) return;
    const id = epochIdOf(this.#serverIds) ?? '';
    this.#options.onEpoch?.({ id, previousId, changed: previousId !== undefined && !isKnown });
    this.#announce();
  }

  #notIdentified(error: unknown): void {
    this.#failure = this.#named(error);
    this.#isWhole = false;
    // A Cluster that has just lost a node says so soon enough by itself.
    if (this.#client.isCluster && this.#state === 'ready' && !(error instanceof StoreUnsafeError)) return;
    this.#lost();
    this.#later(() => void this.#identifyAgain());
  }

  #later(act: () => void): void {
    this.#pause?.cancel();
    this.#pause = this.#options.clock.setTimer(act, PAUSE_MS);
  }

  #lost(): void {
    if (this.#state !== 'ready') return;
    this.#state = 'connecting';
    this.#options.onLost?.(this.#failure.message);
    this.#announce();
  }

  /** Why there is no connection; that there is none is known. */
  #noteError(error: unknown): void {
    if (error instanceof Error && error.message === 'Connection is closed.') return;
    this.#failure = this.#named(error);
  }

  #notReady(): Error {
    return this.#state === 'closed' ? new BooksClosedError() : this.#failure;
  }

  #named(error: unknown): Error {
    if (error instanceof StoreUnsafeError || error instanceof StoreUnreachableError) return error;
    return failureOf(error, this.#options.address.password);
  }

  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** Wakes whoever waits for a change of state. */
  #announce(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Undefined while nobody was seen. */
function epochIdOf(serverIds: ReadonlySet<string>): string | undefined {
  return serverIds.size === 0 ? undefined : [...serverIds].toSorted().join(' ');
}

function mastersOf(client: RedisClient<unknown>): Redis[] {
  return client.isCluster && 'nodes' in client ? client.nodes('master') : [client as Redis];
}

function haveAllSlots(client: RedisClient<unknown>, masters: readonly Redis[]): boolean {
  if (!client.isCluster || !('slots' in client)) return true;
  const asked = new Set(masters.map(({ options }) => `${options.host}:${options.port}`));
  return client.slots.length === SLOTS && client.slots.every(([master]) => master !== undefined && asked.has(master));
}

interface Server {
  readonly id: string;
  readonly maxMemory: string;
  readonly policy: string;
}

function readServer(info: string): Server {
  const fields = new Map(info.split('\r\n').map((line) => line.split(':', 2) as [string, string]));
  const field = (name: string) => fields.get(name) ?? '';
  return {
    id: `${field('run_id')}/${field('master_replid')}`,
    maxMemory: field('maxmemory'),
    policy: field('maxmemory_policy'),
  };
}

/** Records and claims have an expiry, so that the `volatile-…` policies could evict them as well. */
function checkSafe({ maxMemory, policy }: Server): void {
  if (maxMemory !== '0' && policy !== 'noeviction')
    throw new StoreUnsafeError(`Redis may evict what it holds: maxmemory-policy is ${policy}, must be noeviction`);
}
