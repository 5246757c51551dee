// The steps of a routing decision in the call's timeline: a `route` line each, so that whoever asks "why this carrier?" finds the answer there.
// Workspaces read it: the operator's trunks have no names in it, and where a gateway is stands in a field of its own (http/views.ts hides it).

import type { Trunk } from '../domain/directory.ts';
import type { ExplanationStep } from '../routing/index.ts';
import type { Call } from './call.ts';

const LINES_MAX = 24;

export function noteRoute(call: Pick<Call, 'note'>, steps: readonly ExplanationStep[], trunks: readonly Trunk[]): void {
  const operators = trunks.filter(({ workspaceId }) => workspaceId === null);
  for (const { check, result, seen } of steps.slice(0, LINES_MAX)) {
    const text = operators.reduce((now, { label }) => now.replaceAll(`trunk "${label}"`, 'the operator’s trunk'), seen);
    call.note('route', check === 'gateways' ? { check, result, gateway: text } : { check, result, seen: text });
  }
}
