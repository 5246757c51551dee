// The ladder of a call: who sent what to whom, top to bottom. Three parties: the far side, this gateway, the agent.
//
// While the gateway keeps the SIP messages of a call they are drawn as they were, and the timeline adds the agent's side and audio. Later the
// timeline alone tells the same in fewer words.

import { wordsOf } from './words.ts';

export type Party = 'far' | 'edge' | 'agent';
export type Tone = 'plain' | 'good' | 'bad' | 'media';

export interface LadderEntry {
  readonly offsetMs: number;
  readonly event: string;
  readonly detail?: Readonly<Record<string, string | number | boolean | null>>;
}

export interface LadderCall {
  readonly direction: 'inbound' | 'outbound';
  readonly answeredAt: string | null;
  readonly endReason: string | null;
  readonly sipStatus: number | null;
  readonly timeline: readonly LadderEntry[];
}

/** An arrow between two parties, or a note at one of them (`from` = `to`). */
export interface LadderStep {
  readonly from: Party;
  readonly to: Party;
  readonly label: string;
  readonly offsetMs: number;
  readonly tone: Tone;
  /** The SIP message as it was, where it is kept and may be seen. */
  readonly text?: string;
}

export interface SipMessage {
  readonly offsetMs: number;
  readonly direction: 'in' | 'out';
  /** The address of the other side where it is shown. */
  readonly to?: string;
  readonly startLine: string;
  readonly method: string;
  readonly status: number | null;
  readonly text: string | null;
}

type Drawn = readonly [from: Party, to: Party, label: string, tone?: Tone];

export function ladderOf(call: LadderCall, messages: readonly SipMessage[] = []): LadderStep[] {
  if (messages.length === 0) return timelineSteps(call);
  const beside = timelineSteps(call).filter(
    ({ from, to, tone }) => from === to || from === 'agent' || to === 'agent' || tone === 'media',
  );
  // Where several servers were tried, each INVITE says which.
  const invited = new Set(messages.filter(isInviteOut).map(({ to }) => to));
  const steps = messages.map((message) => messageStep(message, invited.size > 1));
  return [...steps, ...beside].toSorted((a, b) => a.offsetMs - b.offsetMs);
}

function isInviteOut({ direction, method, status }: SipMessage): boolean {
  return direction === 'out' && method === 'INVITE' && status === null;
}

function messageStep(message: SipMessage, saysWhere: boolean): LadderStep {
  const { offsetMs, direction, to: peer = '', startLine, method, status, text } = message;
  const [from, to]: readonly [Party, Party] = direction === 'in' ? ['far', 'edge'] : ['edge', 'far'];
  const request = saysWhere && isInviteOut(message) ? `${method} ${peer}`.trim() : method;
  const label = status === null ? request : `${startLine.replace(/^SIP\/2\.0\s+/, '')}`;
  const tone =
    status === null || status < 200
      ? 'plain'
      : status < 300
        ? 'good'
        : status === 401 || status === 407
          ? 'plain'
          : 'bad';
  return { from, to, label, offsetMs, tone, ...(text === null ? {} : { text }) };
}

function timelineSteps(call: LadderCall): LadderStep[] {
  return call.timeline.flatMap((entry) => {
    const drawn = drawnAs(entry, call);
    if (drawn === undefined) return [];
    const [from, to, label, tone = 'plain'] = drawn;
    return [{ from, to, label, offsetMs: entry.offsetMs, tone }];
  });
}

function drawnAs({ event, detail = {} }: LadderEntry, call: LadderCall): Drawn | undefined {
  const inbound = call.direction === 'inbound';
  switch (event) {
    case 'invite':
      return ['far', 'edge', `INVITE${detail['transport'] ? ` (${String(detail['transport'])})` : ''}`];
    case 'inviting':
      return ['edge', 'far', `INVITE ${String(detail['gateway'] ?? '')}`.trim()];
    case 'progress':
      return ['far', 'edge', `${String(detail['status'])}${detail['earlyMedia'] === true ? ' with early audio' : ''}`];
    case 'ringing':
      return inbound ? ['edge', 'far', '180 Ringing'] : undefined;
    case 'answered':
      return inbound ? ['edge', 'far', '200 OK', 'good'] : ['far', 'edge', '200 OK', 'good'];
    case 'confirmed':
      return ['far', 'edge', 'ACK'];
    case 'rejected':
      return ['far', 'edge', `${String(detail['status'])} ${String(detail['text'] ?? '')}`.trim(), 'bad'];
    case 'attestation':
      return ['edge', 'edge', `STIR/SHAKEN ${String(detail['level'] ?? 'none')}`];
    case 'carrier_reason': {
      const label = reasonLabel(detail);
      return label === '' ? undefined : ['far', 'far', label];
    }
    case 'next_gateway':
      return ['edge', 'edge', `Next server: ${String(detail['attempt'])} of ${String(detail['of'])}`];
    case 'test_call':
      return ['edge', 'edge', 'Test call'];
    case 'routed':
      return ['edge', 'edge', `Routed${detail['class'] ? ` as ${String(detail['class'])}` : ''}`];
    case 'authorised':
      return ['edge', 'edge', 'Money held'];
    case 'agent_connecting':
      return ['edge', 'agent', 'WebSocket upgrade'];
    case 'agent_connected':
      return ['agent', 'edge', `101, connected in ${String(detail['connectMs'] ?? '?')} ms`, 'good'];
    case 'agent_failed':
      return ['agent', 'edge', wordsOf(String(detail['code'] ?? 'failed')), 'bad'];
    case 'agent_lost':
      return ['agent', 'edge', 'Connection lost', 'bad'];
    case 'webrtc_connected':
      return ['far', 'edge', 'ICE and DTLS done', 'media'];
    case 'webrtc_failed':
      return ['far', 'edge', 'ICE or DTLS failed', 'bad'];
    case 'first_packet':
      return ['far', 'edge', 'First audio (RTP)', 'media'];
    case 'dtmf':
      return ['far', 'edge', 'DTMF digit', 'media'];
    case 'dtmf_sent':
      return ['edge', 'far', 'DTMF digits', 'media'];
    case 'reoffer':
      return ['far', 'edge', `re-INVITE ${String(detail['direction'] ?? '')}`.trim()];
    case 'reoffer_refused':
      return ['edge', 'far', '488 to re-INVITE', 'bad'];
    case 'forked_answer':
      return ['far', 'edge', 'Second 200 OK, hung up on', 'bad'];
    case 'balance_low':
      return ['edge', 'agent', 'Warning: balance low', 'bad'];
    case 'max_duration_near':
      return ['edge', 'agent', 'Warning: maximum duration near'];
    case 'media_refused':
    case 'offer_refused':
    case 'redirect_not_followed':
      return ['edge', 'edge', event.replaceAll('_', ' '), 'bad'];
    case 'ended':
      return ending(call, String(detail['evidence'] ?? ''));
    default:
      return undefined;
  }
}

/** As much of the carrier's reason as a note has room for; the rest is in the timeline. */
function reasonLabel({ q850, sip, text }: NonNullable<LadderEntry['detail']>): string {
  const cause = typeof q850 === 'number' ? `Q.850 ${q850}` : typeof sip === 'number' ? `SIP ${sip}` : '';
  const label = `${cause} ${typeof text === 'string' ? text : ''}`.trim();
  return label.length > NOTE_MAX ? `${label.slice(0, NOTE_MAX - 1).trimEnd()}…` : label;
}

const NOTE_MAX = 24;
const BY_FAR_SIDE = new Set(['remote_hangup', 'cancelled']);

function ending({ direction, answeredAt, endReason, sipStatus }: LadderCall, evidence: string): Drawn {
  if (answeredAt !== null) {
    if (endReason === 'agent_hangup') return ['agent', 'edge', 'Closed by the agent'];
    return BY_FAR_SIDE.has(endReason ?? '') || evidence === 'bye' ? ['far', 'edge', 'BYE'] : ['edge', 'far', 'BYE'];
  }
  if (endReason === 'cancelled') return ['far', 'edge', 'CANCEL'];
  if (direction === 'inbound') return ['edge', 'far', `${sipStatus ?? ''} ${endReason ?? ''}`.trim(), 'bad'];
  if (endReason === 'api_cancelled' || endReason === 'no_answer') return ['edge', 'far', 'CANCEL', 'bad'];
  return ['edge', 'edge', endReason === null ? 'Ended' : wordsOf(endReason), 'bad'];
}
