// What a check found: what was looked at, what was seen, and what to do about it. Sentences are for the customer who asked: they name nothing of
// anybody else.

export type FindingState = 'ok' | 'failed' | 'warning' | 'skipped';

export interface Finding {
  /** What was looked at; a closed vocabulary (docs/diagnosis.md). */
  readonly step: Step;
  readonly state: FindingState;
  /** Which of several (`sip.example:5061`, a number, an agent's name); null where there is one. */
  readonly subject: string | null;
  readonly seen: string;
  /** null where nothing is to be done. */
  readonly advice: string | null;
  /** A page of this documentation. */
  readonly docs: string | null;
}

export const STEPS = [
  'node',
  'number_exists',
  'number_active',
  'number_assigned',
  'inbound_allowed',
  'outbound_allowed',
  'agent_reachable',
  'inbound_trunk',
  'inbound_address',
  'overlap',
  'outbound_trunk',
  'gateway_address',
  'gateway_connect',
  'gateway_tls',
  'gateway_options',
  'credentials',
  'trunk_health',
  'registration',
  'countries',
  'rate',
  'balance',
  'limits',
  'recent_calls',
  'provider_account',
] as const;

export type Step = (typeof STEPS)[number];

type Extra = { readonly subject?: string | null; readonly advice?: string | null; readonly docs?: string | null };

function finding(step: Step, state: FindingState, seen: string, extra: Extra): Finding {
  return { step, state, subject: extra.subject ?? null, seen, advice: extra.advice ?? null, docs: extra.docs ?? null };
}

export const ok = (step: Step, seen: string, extra: Extra = {}): Finding => finding(step, 'ok', seen, extra);
export const skipped = (step: Step, seen: string, extra: Extra = {}): Finding => finding(step, 'skipped', seen, extra);
/** What is wrong, or may be, always comes with what to do. */
export const failed = (step: Step, seen: string, advice: string, extra: Extra = {}): Finding =>
  finding(step, 'failed', seen, { ...extra, advice });
export const warning = (step: Step, seen: string, advice: string, extra: Extra = {}): Finding =>
  finding(step, 'warning', seen, { ...extra, advice });

/** The worst of them. */
export function worstOf(findings: readonly Finding[]): 'ok' | 'warning' | 'failed' {
  if (findings.some(({ state }) => state === 'failed')) return 'failed';
  return findings.some(({ state }) => state === 'warning') ? 'warning' : 'ok';
}
