// The lines of a call's timeline as people read them: what happened, then how. Codes become words, milliseconds become times, ids become names
// where the page knows them. What is not known here is shown as it came.

import { carrierReasonText, levelText, problemText, verdictText } from './carrier-words.ts';
import { durationText } from './duration.ts';
import { sentence, wordsOf } from './words.ts';

type Value = string | number | boolean | null;
type Detail = Readonly<Record<string, Value>>;

export interface TimelineLine {
  readonly what: string;
  readonly how: string;
  readonly isBad: boolean;
}

/** The name behind an id, such as an agent's; undefined where the page does not know it. */
export type NameOf = (id: string) => string | undefined;

/** An end of a call and a line of a timeline may share a code and not mean the same. */
const EVENTS: Readonly<Record<string, string>> = {
  caller: 'Caller’s number',
  attestation: 'STIR/SHAKEN',
  carrier_reason: 'The carrier’s reason',
  ringing: 'Ringing',
  rejected: 'Refused',
  next_gateway: 'Next server is tried',
  gateway_rests: 'Server is left alone',
  limit: 'At its limit',
  leg_replaced: 'Leg taken over',
  leg_left: 'Leg let go',
  late_offer: 'INVITE without SDP: ours is the offer',
  late_answer: 'SDP answer came',
  answer_refused: 'SDP answer cannot be used',
  offer_refused: 'SDP offer cannot be used',
  media_refused: 'No audio path',
  transfer_requested: 'Transfer asked for',
  carrier_transfer: 'The carrier asks for a transfer',
  agent_connecting: 'Agent is called',
  agent_connected: 'Agent is there',
  agent_failed: 'Agent could not be reached',
  agent_lost: 'Connection to the agent broke',
  redirect_not_followed: 'Redirect not followed',
};

const CHECKS: Readonly<Record<string, string>> = {
  caller_id: 'caller id',
  gateways: 'order of servers',
};

const BAD = /_(?:refused|failed|lost|timed_out)$|^(?:rejected|one_way_audio|audio_not_authentic|limit|keys_in_clear)$/;
/** Said by the line itself, or of no use to whoever reads it. */
const LEFT_OUT = new Set(['numberId', 'verified']);

export function timelineLine(event: string, detail: Detail = {}, nameOf: NameOf = () => undefined): TimelineLine {
  const what = event === 'route' ? routeLabel(detail) : (EVENTS[event] ?? wordsOf(event));
  const isBad = BAD.test(event) || (event === 'route' && detail['result'] === 'failed');
  return { what, how: howOf(event, detail, nameOf), isBad };
}

function howOf(event: string, detail: Detail, nameOf: NameOf): string {
  switch (event) {
    case 'route':
      return said(detail['seen'] ?? detail['gateway']);
    case 'invite':
      return `from ${said(detail['sourceAddress'] ?? 'the carrier')}${port(detail['sourcePort'])} over ${wordsOf(said(detail['transport']))}`;
    case 'inviting':
      return joined([named('to', detail['server'] ?? detail['gateway']), `trunk ${called(detail['trunkId'], nameOf)}`]);
    case 'rejected':
      return joined([said(detail['status']), said(detail['text'])], ' ');
    case 'next_gateway':
      return joined([said(detail['why']), `attempt ${said(detail['attempt'])} of ${said(detail['of'])}`]);
    case 'caller':
      return joined([`in ${said(detail['source'])}`, said(detail['name'])]);
    case 'attestation':
      return joined([
        levelText(detail['level'] ?? null),
        verdictText(detail['carrierVerdict'] ?? null),
        problemText(detail['problem'] ?? null),
      ]);
    case 'carrier_reason':
      return carrierReasonText({
        sip: number(detail['sip']),
        q850: number(detail['q850']),
        text: text(detail['text']),
      });
    case 'ended':
      return joined([wordsOf(said(detail['reason'])), named('proved by', evidenceOf(detail['evidence']))]);
    case 'agent_connecting':
    case 'agent_connected':
    case 'agent_failed': {
      const { agentId, ...rest } = detail;
      return joined([called(agentId, nameOf), factsOf(rest, nameOf)]);
    }
    default:
      return factsOf(detail, nameOf);
  }
}

function routeLabel({ check, result }: Detail): string {
  const name = CHECKS[said(check)] ?? sentence(said(check)).toLowerCase();
  return `Route: ${name}${result === 'ok' || result === undefined ? '' : `, ${sentence(said(result)).toLowerCase()}`}`;
}

function factsOf(detail: Detail, nameOf: NameOf): string {
  return joined(Object.entries(detail).map(([name, value]) => fact(name, value, nameOf)));
}

/** `connectMs: 8` -> `connect 8 ms`, `agentId: agent_1` -> `agent Echo`, `reason: busy` -> `reason Busy`. */
function fact(name: string, value: Value, nameOf: NameOf): string {
  if (value === null || value === '' || LEFT_OUT.has(name)) return '';
  if (name.endsWith('Ms') && typeof value === 'number') return `${label(name.slice(0, -2))} ${durationText(value)}`;
  if (name.endsWith('Id')) return `${label(name.slice(0, -2))} ${called(value, nameOf)}`;
  if (name === 'class') return `class ${wordsOf(String(value))}`;
  if (typeof value === 'boolean') return value ? label(name) : '';
  if (name === 'detail') return String(value);
  if (name === 'code' || name === 'reason') return wordsOf(String(value)).toLowerCase();
  return `${label(name)} ${String(value)}`;
}

function label(name: string): string {
  return sentence(name).toLowerCase();
}

function called(id: Value | undefined, nameOf: NameOf): string {
  const shown = said(id);
  return nameOf(shown) ?? shown;
}

function evidenceOf(evidence: Value | undefined): string {
  return said(evidence) === '' ? '' : wordsOf(said(evidence));
}

function port(value: Value | undefined): string {
  return value === undefined || value === null ? '' : `:${String(value)}`;
}

function named(name: string, value: Value | undefined): string {
  return said(value) === '' ? '' : `${name} ${said(value)}`;
}

function said(value: Value | undefined): string {
  return value === undefined || value === null ? '' : String(value);
}

function number(value: Value | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

function text(value: Value | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function joined(parts: readonly string[], between = ', '): string {
  return parts.filter((part) => part !== '').join(between);
}
