// Personal numbers: a call that speaks a code, and the code entered (numbers/personal).

import type { Started } from '../../numbers/personal/personal-numbers.ts';
import { readNumber } from '../../numbers/personal/personal-numbers.ts';
import { type Principal, scopeOf } from '../auth.ts';
import type { HttpDeps } from '../deps.ts';
import { fingerprint, idempotencyKey } from '../idempotency.ts';
import { viewPersonalNumber } from '../personal-number-views.ts';
import { invalidField, Problem, type ProblemCode } from '../problems.ts';
import { defineRoute, type Reply, type Route } from '../route.ts';
import { pageOf, workspaceListQuery } from '../schemas/common.ts';
import * as schemas from '../schemas/personal-numbers.ts';
import { found, given, idOf, ownerOf, pageFrom, viewPage } from './lookup.ts';

/** Whatever makes a telephone ring. */
const CALL_PROBLEMS: readonly ProblemCode[] = [
  'destination_not_allowed',
  'no_rate',
  'verification_pause',
  'verification_limit',
  'resend_limit',
  'verifications_unavailable',
];

export function personalNumberRoutes({ directory, personalNumbers }: HttpDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/personal-numbers',
      operationId: 'listPersonalNumbers',
      tag: 'Personal numbers',
      summary: 'Lists personal numbers, verified and on their way',
      access: 'workspace',
      query: workspaceListQuery,
      success: {
        status: 200,
        description: 'A page of personal numbers',
        schema: pageOf(schemas.personalNumberSchema),
      },
      problems: [],
      async handle({ principal, query }) {
        const workspaceId = scopeOf(principal, query.workspaceId);
        const page = await personalNumbers.list({ ...pageFrom(query), ...given({ workspaceId }) });
        return { body: viewPage(page, (view) => viewPersonalNumber(view, principal)) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/personal-numbers',
      operationId: 'startPersonalNumber',
      tag: 'Personal numbers',
      summary: 'Calls a number and speaks a code: the first step to show it as caller id',
      access: 'workspace',
      body: schemas.newPersonalNumber,
      idempotent: true,
      success: {
        status: 201,
        description: 'The number is being called',
        schema: schemas.personalNumberSchema,
      },
      problems: ['number_taken', 'unknown_reference', ...CALL_PROBLEMS],
      async handle({ principal, body, header }) {
        const key = idempotencyKey(header);
        const workspaceId = ownerOf(principal, body.workspaceId);
        const e164 = readNumber(body.e164);
        if (e164 === undefined) throw invalidField('e164', 'must be a number with + or 00 and its country code');
        await workspaceExists(workspaceId);
        const asked = fingerprint({ e164, language: body.language ?? null });
        const claim = await directory.idempotency.claim(`personal-numbers:${workspaceId}`, key, asked);
        if (claim.value !== asked) throw new Problem('idempotency_key_reused');
        const requestKey = `start:${key}`;
        const { language } = body;
        const started = await personalNumbers.start({ workspaceId, e164, requestKey, ...given({ language }) });
        return replyOf(started, principal);
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/personal-numbers/{id}',
      operationId: 'getPersonalNumber',
      tag: 'Personal numbers',
      summary: 'One personal number, and what became of its call',
      access: 'workspace',
      success: { status: 200, description: 'The personal number', schema: schemas.personalNumberSchema },
      problems: [],
      async handle({ principal, params }) {
        const view = await found(personalNumbers.get(idOf(params), scopeOf(principal)));
        return { body: viewPersonalNumber(view, principal) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/personal-numbers/{id}/verify',
      operationId: 'verifyPersonalNumber',
      tag: 'Personal numbers',
      summary: 'Enters the code: the number may be shown as caller id from then on',
      access: 'workspace',
      body: schemas.personalCode,
      success: { status: 200, description: 'Verified', schema: schemas.personalNumberSchema },
      problems: [
        'code_wrong',
        'code_expired',
        'verification_failed',
        'already_verified',
        'verified_elsewhere',
        'number_taken',
      ],
      async handle({ principal, params, body }) {
        const code = body.code.replaceAll(/\D/g, '');
        const view = await found(personalNumbers.verify(idOf(params), code, scopeOf(principal)));
        return { body: viewPersonalNumber(view, principal) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/personal-numbers/{id}/resend',
      operationId: 'resendPersonalNumber',
      tag: 'Personal numbers',
      summary: 'Calls again with another code; the one before is void',
      access: 'workspace',
      idempotent: true,
      success: { status: 200, description: 'The number is being called', schema: schemas.personalNumberSchema },
      problems: ['verification_failed', 'already_verified', ...CALL_PROBLEMS],
      async handle({ principal, params, header }) {
        const requestKey = `resend:${idempotencyKey(header)}`;
        const started = await found(personalNumbers.resend(idOf(params), requestKey, scopeOf(principal)));
        return replyOf(started, principal);
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/personal-numbers/{id}',
      operationId: 'removePersonalNumber',
      tag: 'Personal numbers',
      summary: 'Ends a verification, or takes a verified number out of the workspace',
      access: 'workspace',
      success: { status: 204, description: 'Removed' },
      problems: ['record_in_use'],
      async handle({ principal, params }) {
        if (!(await personalNumbers.remove(idOf(params), scopeOf(principal)))) throw new Problem('not_found');
        return {};
      },
    }),
  ];

  async function workspaceExists(workspaceId: string): Promise<void> {
    if ((await directory.workspaces.get(workspaceId)) !== undefined) return;
    throw new Problem('unknown_reference', { fields: [{ field: 'workspaceId', message: 'does not exist' }] });
  }
}

function replyOf({ view, repeated }: Started, principal: Principal): Reply {
  return {
    body: viewPersonalNumber(view, principal),
    headers: {
      location: `/v1/personal-numbers/${view.item.id}`,
      ...(repeated ? { 'idempotent-replayed': 'true' } : {}),
    },
  };
}
