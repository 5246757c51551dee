// What the carrier says beside numbers and audio: who it attests the caller to be, why it ended the call, and the headers of its INVITE that an agent
// may read. Bounded, without control characters, and never in the place of what only we may say.

import type { CallAttestation, CarrierReason } from '../domain/call.ts';
import type { Trunk } from '../domain/directory.ts';
import { parseReasonHeader } from '../signalling/index.ts';
import { readAttestation } from '../signalling/attestation.ts';
import type { Call } from './call.ts';

type Headers = Readonly<Record<string, string>>;

const DEFAULT_HEADERS = ['x-*'];
const HEADERS_MAX = 32;
const VALUE_CHARACTERS_MAX = 512;
const REASON_TEXT_MAX = 128;

/** What the agent of an inbound call is told: the headers that its trunk lets through, and then what nobody but us may say. */
export function agentParameters(headers: Headers, call: Call, { agentHeaders }: Pick<Trunk, 'agentHeaders'>): Headers {
  const wanted = (agentHeaders ?? DEFAULT_HEADERS).map((pattern) => pattern.toLowerCase());
  const own = Object.entries(headers)
    .filter(([name]) => wanted.some((pattern) => fits(name, pattern)))
    .slice(0, HEADERS_MAX)
    .map(([name, value]) => [name, clean(value, VALUE_CHARACTERS_MAX)] as const);
  const { from, to, name = null } = call.identity;
  return {
    ...Object.fromEntries(own),
    ...attestationParameters(call.attestation),
    from_number: from,
    to_number: to,
    direction: 'inbound',
    ...(name === null ? {} : { from_name: name }),
  };
}

function fits(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function attestationParameters(attestation: CallAttestation | null): Headers {
  if (attestation === null) return {};
  const { level, source, carrierVerdict } = attestation;
  return {
    attestation: level ?? 'none',
    attestation_source: source,
    attestation_verdict: carrierVerdict ?? 'unknown',
  };
}

/** Before the call is routed any further: it belongs into its record whatever becomes of it. */
export function noteAttestation(call: Call, headers: Headers, trunk: Trunk, nowMs: number): void {
  if (trunk.attestation === 'ignored') return;
  const { from, to } = call.identity;
  const attestation = readAttestation({ headers, from, to, nowMs });
  if (attestation === null) return;
  call.attestation = attestation;
  const { level, source, carrierVerdict, problem } = attestation;
  call.note('attestation', { level, source, carrierVerdict, verified: false, problem });
}

/** The Reason of a BYE, CANCEL or refusal (RFC 3326). */
export function noteReason(call: Call, header: string | null | undefined): void {
  const reason = readReason(header ?? '');
  if (reason === null || call.over) return;
  call.carrierReason = reason;
  call.note('carrier_reason', { ...reason });
}

export function readReason(header: string): CarrierReason | null {
  const reasons = parseReasonHeader(header.slice(0, 1024));
  const of = (protocol: string) => reasons.find((reason) => reason.protocol.toUpperCase() === protocol);
  const sip = of('SIP')?.cause ?? null;
  const q850 = of('Q.850')?.cause ?? null;
  const text = reasons.find((reason) => reason.text !== null)?.text ?? null;
  const isSip = sip === null || (sip >= 100 && sip <= 699);
  const isQ850 = q850 === null || (q850 >= 0 && q850 <= 127);
  if (sip === null && q850 === null && text === null) return null;
  return {
    sip: isSip ? sip : null,
    q850: isQ850 ? q850 : null,
    text: text === null ? null : clean(text, REASON_TEXT_MAX),
  };
}

function clean(text: string, charactersMax: number): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, charactersMax);
}
