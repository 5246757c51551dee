// The guard against floods and scanners as the node sees it: who is trusted is told to it, what it does is logged and counted, and people may lift a
// ban. With the embedded engine it lives in the engine's thread, in front of the parser; a drachtio-server is not ours to look into, so there it
// stands behind it, in front of routing (docs/security.md says what to set in the server itself).

import type { Clock, Timer } from '../domain/clock.ts';
import type { Trunk } from '../domain/directory.ts';
import { LineLimit } from '../observability/line-limit.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { ResolvedHosts } from '../routing/index.ts';
import type { SignallingOptions, WireMessage } from '../signalling/index.ts';
import { type Ban, type EngineStats, type EngineThread, type GuardStats, SourceGuard } from '../sip-engine/index.ts';

export interface SipGuard extends Pick<EngineThread, 'trust' | 'acquaint' | 'offend' | 'bans' | 'unban'> {
  /** Null: the engine itself asks, before it parses. */
  readonly admits: SignallingOptions['admits'] | null;
  stats(): Promise<{ readonly guard: GuardStats | null; readonly engine: EngineStats | null }>;
}

export function createSipGuard(thread: EngineThread | null, clock: Clock, onBans: BanWatcher): SipGuard {
  if (thread !== null) {
    const { trust, acquaint, offend, bans, unban } = thread;
    const stats = async () => {
      const engine = await thread.stats();
      return { guard: engine.guard, engine };
    };
    return { trust, acquaint, offend, bans, unban, stats, admits: null };
  }
  const guard = new SourceGuard({
    clock: {
      now: () => clock.monotonicMs(),
      wallTime: () => new Date(clock.wallMs()),
      setTimer: (fn, ms) => clock.setTimer(fn, ms),
    },
    onBan: (ban) => onBans([ban], 0),
  });
  return {
    trust: (networks) => void guard.trust(networks),
    acquaint: (address) => guard.acquaint(address),
    offend: (address, way, offence) => guard.offend(address, way, offence),
    bans: () => Promise.resolve(guard.bans()),
    unban: (network) => Promise.resolve(guard.unban(network)),
    stats: () => Promise.resolve({ guard: guard.stats(), engine: null }),
    admits: ({ source: { address, protocol }, ...request }) => {
      const way = protocol === 'udp' ? 'datagram' : 'connection';
      return guard.admits(address, way) && guard.request(address, way, request);
    },
  };
}

/**
 * Behind a drachtio-server nobody tells whom it sends to; who answers us is known then. The server matches responses with its own requests, so none
 * can be forged by who has not seen one.
 */
export function acquaintAnswering(
  guard: Pick<SipGuard, 'acquaint' | 'admits'>,
  { direction, peer, text }: WireMessage,
): void {
  if (guard.admits === null || direction !== 'in' || peer === null || !text.startsWith('SIP/')) return;
  guard.acquaint(peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''));
}

export interface WarningLog {
  warn(fields: object, message: string): void;
}

export type BanWatcher = (bans: readonly Ban[], more: number) => void;

const LINES_PER_MINUTE = 30;

/** A line for each ban, and in a flood of them one for all the others of the minute. */
export function logBans(clock: Clock, logger: WarningLog): BanWatcher & { close(): void } {
  const limit = new LineLimit(clock, LINES_PER_MINUTE, (bans) =>
    logger.warn({ bans }, 'more sources of SIP were banned in the last minute'),
  );
  const watch: BanWatcher = (bans, more) => {
    limit.leftOut(more);
    for (const { network, way, why, times, since, until } of bans) {
      const forSec = Math.round((until - since) / 1000);
      if (limit.may()) logger.warn({ network, way, why, times, forSec }, 'a source of SIP is banned');
    }
  };
  return Object.assign(watch, { close: () => limit.close() });
}

const FOLLOW_MS = 2_000;

export interface TrustSource {
  allTrunks(): Promise<readonly Trunk[]>;
  /** The same object while nothing has changed. */
  resolvedHosts(trunks: readonly Trunk[]): ResolvedHosts;
}

/** Tells the guard of the trunks' addresses, now and whenever trunks or the addresses of their names change. */
export function followTrust(
  guard: Pick<SipGuard, 'trust'>,
  { allTrunks, resolvedHosts }: TrustSource,
  { clock, logger }: { readonly clock: Clock; readonly logger: WarningLog },
): { changed(): Promise<void>; close(): void } {
  let told: readonly [readonly Trunk[], ResolvedHosts] | null = null;
  let timer: Timer | null = null;
  let isOpen = true;
  const changed = async (): Promise<void> => {
    const trunks = await allTrunks();
    const resolved = resolvedHosts(trunks);
    if (!isOpen || (told?.[0] === trunks && told[1] === resolved)) return;
    told = [trunks, resolved];
    guard.trust(trustedNetworks(trunks, resolved));
  };
  const again = (): void => {
    if (!isOpen) return;
    timer = clock.setTimer(() => {
      void changed()
        .catch((error: unknown) =>
          logger.warn({ err: error }, 'trunks could not be read; the SIP guard trusts as before'),
        )
        .finally(again);
    }, FOLLOW_MS);
  };
  again();
  return {
    changed,
    close: () => {
      isOpen = false;
      timer?.cancel();
    },
  };
}

/** Pure. Trunks whose inbound side is switched off count too: their carriers answer our calls from there. */
export function trustedNetworks(trunks: readonly Trunk[], resolved: ResolvedHosts): readonly string[] {
  return [
    ...new Set(
      trunks.flatMap(({ inbound, outbound }) => [
        ...inbound.addresses.flatMap((address) =>
          isNumeric(address) ? [address] : (resolved.get(address.toLowerCase()) ?? []),
        ),
        // Those with names become known when they are first asked something.
        ...outbound.gateways.map(({ host }) => host.replace(/^\[|\]$/g, '')).filter(isNumeric),
      ]),
    ),
  ];
}

function isNumeric(address: string): boolean {
  return /^[\d.]+(?:\/\d+)?$|:/.test(address);
}

const POLL_MS = 5_000;

/** Figures of the guard and of the engine's tables, read every few seconds. Without an address in any label. */
export function countGuard(guard: Pick<SipGuard, 'stats'>, metrics: Metrics, clock: Clock): { close(): void } {
  let timer: Timer | null = null;
  let isOpen = true;
  const told = new Map<string, number>();
  /** What a running count has grown by. */
  const growth = (name: string, total: number): number => {
    const before = told.get(name) ?? 0;
    told.set(name, total);
    return Math.max(0, total - before);
  };
  const read = async (): Promise<void> => {
    const stats = await guard.stats().catch(() => null);
    if (stats !== null && isOpen) show(stats, metrics, growth);
    if (isOpen) timer = clock.setTimer(() => void read(), POLL_MS);
  };
  void read();
  return {
    close: () => {
      isOpen = false;
      timer?.cancel();
    },
  };
}

function show(
  { guard, engine }: Awaited<ReturnType<SipGuard['stats']>>,
  { sipBansTotal, sipBanned, sipTurnedAwayTotal, sipTableEntries, sipRefusedTotal }: Metrics,
  growth: (name: string, total: number) => number,
): void {
  if (guard !== null) {
    for (const [reason, total] of Object.entries(guard.bans))
      sipBansTotal.inc({ reason }, growth(`ban ${reason}`, total));
    for (const [reason, total] of Object.entries(guard.turnedAway)) {
      sipTurnedAwayTotal.inc({ reason }, growth(`away ${reason}`, total));
    }
    sipBanned.set(guard.banned);
    const { sources, trustedSources, acquainted, remembered } = guard;
    const tables = {
      guard_sources: sources,
      guard_trusted: trustedSources,
      guard_acquainted: acquainted,
      bans: remembered,
    };
    for (const [table, entries] of Object.entries(tables)) sipTableEntries.set({ table }, entries);
  }
  if (engine === null) return;
  const { openTransactions, openDialogs, connections, malformed, refusedOverload } = engine;
  const tables = { transactions: openTransactions, dialogs: openDialogs, connections: connections.open };
  for (const [table, entries] of Object.entries(tables)) sipTableEntries.set({ table }, entries);
  const refused = {
    transactions: refusedOverload,
    connections: connections.refused,
    malformed,
    stream: connections.violations,
    handshake: connections.handshakeFailures,
    upgrade: connections.upgradesRefused,
    memory: connections.memoryRefused,
    dead: connections.dead,
  };
  for (const [what, total] of Object.entries(refused)) sipRefusedTotal.inc({ what }, growth(`refused ${what}`, total));
}
