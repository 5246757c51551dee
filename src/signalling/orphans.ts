// Dialogs that outlived us: of an earlier process, or of a connection to the engine that is gone. The calls are over and billed; what is left is to tell
// the other side, which would else hear silence until its own timers end the call (signalling.md item 22).
//
//   200 ──▶ written down ──▶ leg over: crossed out
//                       └──▶ process or engine gone ──▶ next connection to an engine: BYE, once, crossed out
//
// Invariants
//   OR1. BYE goes back where the dialog came from or went to, never where a header names: what is written down is text of the network.
//   OR2. Its CSeq is above any that the dialog can have seen (RFC 3261 section 12.2.2 demands more, not the next). Its route set goes along as the embedded
//        engine takes one (sip-engine/dialog/next-hop.ts); with drachtio-server proxies have to find the way by the Request-URI.
//   OR3. Each is tried once, `AT_ONCE` at a time, and none older than `AGE_MAX_MS`. Nothing waits for it.

import type { Clock } from '../domain/clock.ts';
import { reasonHeader } from '../domain/reasons.ts';
import type { LinkAnswer, LinkRequest } from './link-requests.ts';
import { parseSipAddress, parseSipUri } from './sip-text.ts';

export interface DialogFacts {
  /** Call-ID and our tag. */
  readonly id: string;
  /** Wall-clock ms. */
  readonly openedAtMs: number;
  readonly callId: string;
  /** Values of From and To for a request of ours, tags and all. */
  readonly local: string;
  readonly remote: string;
  /** The other side's Contact. */
  readonly target: string;
  /** URIs of its route set, in order. */
  readonly routes: readonly string[];
  /** OR1: `sip:192.0.2.1:5060;transport=udp` */
  readonly nextHop: string;
}

/** Where dialogs are written down. Nothing here throws, or makes a call wait. */
export interface DialogLog {
  /** What an earlier process left, once. */
  left(): readonly DialogFacts[];
  opened(dialog: DialogFacts): void;
  closed(id: string): void;
}

const AT_ONCE = 50;
const AGE_MAX_MS = 86_400_000;
/** OR2; a second BYE, after a second crash, is above the first one's for a year. */
const CSEQ_BASE = 2_000_000_000;
const CSEQ_SPAN = 100_000_000;

export interface OrphanParts {
  readonly clock: Clock;
  /** Never rejects. */
  readonly send: (request: LinkRequest) => Promise<LinkAnswer | string>;
  /** It was tried. */
  readonly done: (dialog: DialogFacts) => void;
}

export interface OrphanReport {
  readonly dialogs: number;
  /** Answered by the other side, also with 481: it knows nothing of the call any more. */
  readonly ended: number;
}

export async function hangUpOrphans(dialogs: readonly DialogFacts[], parts: OrphanParts): Promise<OrphanReport> {
  const waiting = [...dialogs];
  let ended = 0;
  const worker = async () => {
    for (let dialog = waiting.shift(); dialog !== undefined; dialog = waiting.shift()) {
      if (await hangUp(dialog, parts)) ended += 1;
      parts.done(dialog);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, dialogs.length) }, worker));
  return { dialogs: dialogs.length, ended };
}

async function hangUp(dialog: DialogFacts, { clock, send }: OrphanParts): Promise<boolean> {
  const nowMs = clock.wallMs();
  if (!isUsable(dialog) || nowMs - dialog.openedAtMs > AGE_MAX_MS) return false;
  const { callId, local, remote, target } = dialog;
  const sequence = CSEQ_BASE + (Math.floor(nowMs / 1_000) % CSEQ_SPAN);
  const answer = await send({
    method: 'BYE',
    uri: target,
    nextHop: hopOf(dialog),
    headers: {
      from: local,
      to: remote,
      'call-id': callId,
      cseq: `${sequence} BYE`,
      Reason: reasonHeader('node_crash'),
    },
  });
  return typeof answer !== 'string' && !answer.own;
}

/** What the INVITE's own hop said of that attempt is over. */
function hopOf({ nextHop, routes }: DialogFacts): string {
  const bare = nextHop.replace(/;(?:routes|first-response)=[^;]*/g, '');
  return routes.length === 0 ? bare : `${bare};routes=${encodeURIComponent(routes.join(' '))}`;
}

/** It comes from a file: what is no dialog sends nothing. */
function isUsable({ callId, local, remote, target, routes, nextHop }: DialogFacts): boolean {
  const hasTag = (value: string) => parseSipAddress(value)?.parameters.get('tag') !== undefined;
  const isUri = (value: string) => parseSipUri(value) !== undefined && !/[|\s]/.test(value);
  return (
    /^[\x21-\x7e]{1,256}$/.test(callId) &&
    hasTag(local) &&
    hasTag(remote) &&
    isUri(target) &&
    isUri(nextHop) &&
    routes.every(isLooseRoute)
  );
}

const ROUTES_MAX = 8;

/** The URIs of a Record-Route header in their order; none where an entry is none, or wants the routing of RFC 2543. */
export function routeSet(recordRoute: string | undefined): readonly string[] {
  const entries = (recordRoute ?? '').match(/(?:"(?:[^"\\]|\\.)*"|<[^<>]*>|[^,"<>])+/g) ?? [];
  const routes = entries.map((entry) => /<([^<>]+)>/.exec(entry)?.[1] ?? '');
  return routes.length <= ROUTES_MAX && routes.every(isLooseRoute) ? routes : [];
}

function isLooseRoute(uri: string): boolean {
  return /^[^|\s",]{1,512}$/.test(uri) && parseSipUri(uri) !== undefined && /;lr(?:[;=?]|$)/i.test(uri);
}

/** OR1: back to where a request came from. Over a stream its own port is nobody's to connect to: then the one that its Contact names. */
export function wayBack(source: { address: string; port: number; protocol: string }, contact: string): string {
  const { address, protocol } = source;
  const named = /^sips?:[^;?>]*?:(\d{1,5})(?=[;?>]|$)/.exec(contact.replace(/^.*@/, 'sip:'))?.[1];
  const port = protocol === 'udp' ? source.port : Number(named ?? (protocol === 'tls' ? 5061 : 5060));
  return `sip:${address.includes(':') ? `[${address}]` : address}:${port};transport=${protocol}`;
}
