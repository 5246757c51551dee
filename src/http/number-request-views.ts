// Requests for numbers and requirements as the API shows them (views.ts V1).

import { formatMoney } from '../domain/money.ts';
import type { RequestView } from '../numbers/requests/number-requests.ts';
import { type NumberRequest, totalFee } from '../numbers/requests/request.ts';
import type { AreaRule, Condition, DocumentRule, FieldRule, Requirement } from '../numbers/requests/requirement.ts';
import type { FieldState } from '../numbers/requests/rules.ts';
import type { Principal } from './auth.ts';
import { viewTime } from './views.ts';

/** Whoever may only look at a workspace sees how far a request is, not what people wrote into it. */
export type RequestViewer = 'operator' | 'workspace' | 'read_only';

export function viewerOf(principal: Principal): RequestViewer {
  if (principal.kind === 'operator') return 'operator';
  return principal.role === 'read_only' ? 'read_only' : 'workspace';
}

export function viewNumberRequest(view: RequestView, viewer: RequestViewer): object {
  const { request, requirement } = view;
  const { decision, approval, status } = request;
  // Nothing is missing of what was erased.
  const assessment = request.erasedAt === null ? view.assessment : undefined;
  return {
    id: request.id,
    createdAt: viewTime(request.createdAt),
    workspaceId: request.workspaceId,
    country: request.country,
    type: request.type,
    requestType: request.requestType,
    quantity: request.quantity,
    numbers: request.portedNumbers,
    status,
    fields: Object.fromEntries((assessment?.fields ?? []).map((state) => [state.rule.name, viewField(state, viewer)])),
    documents: request.documents
      .filter((document) => document.state === 'stored')
      .map(({ id, kind, mediaType, bytes, at }) => ({ id, kind, mediaType, bytes, createdAt: viewTime(at) })),
    missing: { fields: assessment?.missingFields ?? [], documents: assessment?.missingDocuments ?? [] },
    fees: viewFees(request),
    reviewDays: requirement === undefined ? null : { from: requirement.reviewDays.from, to: requirement.reviewDays.to },
    decidedAt: decision === null ? null : viewTime(decision.at),
    reason: status === 'rejected' ? (decision?.reason ?? null) : null,
    approvedNumbers: status === 'approved' ? (approval?.numbers ?? []).map(({ id, e164 }) => ({ id, e164 })) : [],
    erasedAt: request.erasedAt === null ? null : viewTime(request.erasedAt),
    history: request.history.map((entry) => ({ at: viewTime(entry.at), status: entry.status, by: entry.by })),
  };
}

/** A secret goes in and comes out for the operator alone, who needs it to port the number. */
function viewField({ rule, status, value, savedAt, problem }: FieldState, viewer: RequestViewer): object {
  return {
    status,
    required: rule.required,
    value: viewer === 'read_only' || (rule.secret && viewer !== 'operator') ? null : value,
    savedAt: savedAt === null ? null : viewTime(savedAt),
    problem,
  };
}

function viewFees(request: NumberRequest): object {
  const { fees, payment } = request;
  const total = totalFee(request);
  const at = (wallMs: number | null) => (wallMs === null ? null : viewTime(wallMs));
  const isGivenBack = payment.state === 'refunded' || payment.state === 'refunding';
  const paidAt = payment.state === 'paid' ? payment.at : isGivenBack ? payment.paidAt : null;
  const status = total === 0n ? 'none' : isGivenBack ? 'refunded' : paidAt === null ? 'unpaid' : 'paid';
  return {
    activation: formatMoney(fees.activation),
    monthly: formatMoney(fees.monthly),
    currency: fees.currency,
    total: formatMoney(total),
    status,
    paidAt: at(paidAt),
    refundedAt: at(isGivenBack ? payment.at : null),
  };
}

export function viewRequirement(requirement: Requirement): object {
  const { fees, reviewDays, areas } = requirement;
  return {
    country: requirement.country,
    countryName: requirement.countryName,
    type: requirement.type,
    typeLabel: requirement.typeLabel,
    requestType: requirement.requestType,
    notes: requirement.notes,
    fields: requirement.fields.map(viewFieldRule),
    documents: requirement.documents.map(viewDocumentRule),
    fees: {
      activation: formatMoney(fees.activation),
      monthly: formatMoney(fees.monthly),
      currency: requirement.currency,
    },
    reviewDays: { from: reviewDays.from, to: reviewDays.to },
    areas: areas === null ? null : viewAreas(areas),
  };
}

function viewFieldRule(rule: FieldRule): object {
  return {
    name: rule.name,
    label: rule.label,
    help: rule.help,
    example: rule.example,
    required: rule.required,
    format: rule.format,
    pattern: rule.pattern,
    minLength: rule.minLength,
    maxLength: rule.maxLength,
    options: rule.options.map(({ value, label }) => ({ value, label })),
    normalise: rule.normalise,
    secret: rule.secret,
    when: viewCondition(rule.when),
  };
}

function viewDocumentRule({ kind, label, help, required, maxAgeMonths, when }: DocumentRule): object {
  return { kind, label, help, required, maxAgeMonths, when: viewCondition(when) };
}

function viewCondition(when: Condition | null): object | null {
  return when === null ? null : { field: when.field, is: when.is };
}

function viewAreas({ areaField, postalField, areas }: AreaRule): object {
  const items = Object.entries(areas).map(([code, { name, postalPrefixes }]) => ({ code, name, postalPrefixes }));
  return { areaField, postalField, areas: items };
}
