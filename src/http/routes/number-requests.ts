// Numbers of countries where they are asked for and not bought: what each country wants, and the requests themselves.

import { isE164 } from '../../domain/e164.ts';
import { LIMITS } from '../../numbers/requests/limits.ts';
import type { Asker } from '../../numbers/requests/number-requests.ts';
import type { Principal } from '../auth.ts';
import { scopeOf } from '../auth.ts';
import type { HttpDeps } from '../deps.ts';
import { FORM_TYPE, type FormBody, type FormShape, formBytesMax } from '../form.ts';
import { idempotencyKey } from '../idempotency.ts';
import { viewerOf, viewNumberRequest, viewRequirement } from '../number-request-views.ts';
import { Problem } from '../problems.ts';
import { defineRoute, type Route } from '../route.ts';
import { pageOf } from '../schemas/common.ts';
import * as schemas from '../schemas/number-requests.ts';
import { given, idOf, ownerOf, pageFrom, viewPage } from './lookup.ts';

const TAG = 'Number requests';
const SUCCESS = { status: 200, description: 'The request as it is now', schema: schemas.numberRequestSchema } as const;
const DOCUMENT_FORM: FormShape = {
  fields: schemas.documentForm,
  file: { name: 'file', description: 'A PDF, JPEG or PNG of at most 5 MB', bytesMax: LIMITS.documentBytesMax },
};

export function numberRequestRoutes({ numberRequests, directory }: HttpDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/number-requirements',
      operationId: 'listNumberRequirements',
      tag: TAG,
      summary: 'What each country asks for, by type of number and of request: fields, documents, fees, time of review',
      access: 'workspace',
      query: schemas.requirementQuery,
      success: { status: 200, description: 'All that is on offer', schema: schemas.requirementsSchema },
      problems: [],
      handle: async ({ query }) => ({
        body: {
          items: numberRequests.requirements
            .find(given({ country: query.country, type: query.type }))
            .map(viewRequirement),
        },
      }),
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/number-requests',
      operationId: 'listNumberRequests',
      tag: TAG,
      summary: 'Lists requests, newest first, filtered by status, country, type or request type',
      access: 'workspace',
      query: schemas.numberRequestQuery,
      success: { status: 200, description: 'A page of requests', schema: pageOf(schemas.numberRequestSchema) },
      problems: [],
      async handle({ principal, query }) {
        const { status, country, type, requestType } = query;
        const workspaceId = scopeOf(principal, query.workspaceId);
        const page = await numberRequests.find({
          ...pageFrom(query),
          ...given({ workspaceId, status, country, type, requestType }),
        });
        return { body: viewPage(page, (view) => viewNumberRequest(view, viewerOf(principal))) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/number-requests',
      operationId: 'createNumberRequest',
      tag: TAG,
      summary: 'Begins a request; its fields, documents and payment follow one by one',
      access: 'workspace',
      body: schemas.newNumberRequest,
      success: { ...SUCCESS, status: 201, description: 'The new request' },
      problems: ['request_limit', 'unknown_reference'],
      async handle({ principal, body }) {
        const workspaceId = ownerOf(principal, body.workspaceId);
        const { country, type, requestType, quantity } = body;
        const numbers = (body.numbers ?? []).filter(isE164);
        const { by } = askerOf(principal);
        const view = await numberRequests.create({ workspaceId, by, country, type, requestType, quantity, numbers });
        const headers = { location: `/v1/number-requests/${view.request.id}` };
        return { body: viewNumberRequest(view, viewerOf(principal)), headers };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/number-requests/{id}',
      operationId: 'getNumberRequest',
      tag: TAG,
      summary: 'One request: what is saved, what is missing, what it costs, where it is',
      access: 'workspace',
      success: SUCCESS,
      problems: [],
      async handle({ principal, params }) {
        return {
          body: viewNumberRequest(await numberRequests.get(idOf(params), askerOf(principal)), viewerOf(principal)),
        };
      },
    }),
    defineRoute({
      method: 'PUT',
      path: '/v1/number-requests/{id}/fields/{name}',
      operationId: 'saveNumberRequestField',
      tag: TAG,
      summary: 'Saves one field; a value that does not do is refused and changes nothing',
      access: 'workspace',
      body: schemas.fieldValue,
      success: SUCCESS,
      problems: ['request_state'],
      async handle({ principal, params, body }) {
        const view = await numberRequests.saveField(idOf(params), idOf(params, 'name'), body.value, askerOf(principal));
        return { body: viewNumberRequest(view, viewerOf(principal)) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/number-requests/{id}/documents',
      operationId: 'addNumberRequestDocument',
      tag: TAG,
      summary: 'Uploads a document: a PDF, JPEG or PNG of at most 5 MB, known by its content',
      access: 'workspace',
      upload: { type: FORM_TYPE, bytesMax: formBytesMax(DOCUMENT_FORM), form: DOCUMENT_FORM },
      success: { ...SUCCESS, status: 201 },
      problems: ['request_state', 'document_refused', 'document_limit'],
      async handle({ principal, params, body }) {
        const asker = askerOf(principal);
        await numberRequests.checkAttach(idOf(params), asker);
        const { fields, file } = await (body as FormBody)();
        const view = await numberRequests.attach(idOf(params), { kind: fields['kind'] ?? '', content: file }, asker);
        return { body: viewNumberRequest(view, viewerOf(principal)) };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/number-requests/{id}/documents/{documentId}',
      operationId: 'getNumberRequestDocument',
      tag: TAG,
      summary: 'Downloads a document, as an attachment; not with a key that may only look: it is somebody’s passport',
      access: 'workspace',
      needs: 'write',
      success: { status: 200, description: 'The file', otherTypes: ['application/pdf', 'image/jpeg', 'image/png'] },
      problems: [],
      async handle({ principal, params }) {
        const file = await numberRequests.document(idOf(params), idOf(params, 'documentId'), askerOf(principal));
        return {
          body: file.content,
          contentType: file.mediaType,
          headers: { 'content-disposition': `attachment; filename="${file.fileName}"` },
        };
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/number-requests/{id}/documents/{documentId}',
      operationId: 'removeNumberRequestDocument',
      tag: TAG,
      summary: 'Erases a document',
      access: 'workspace',
      success: { status: 204, description: 'Erased' },
      problems: ['request_state'],
      async handle({ principal, params }) {
        await numberRequests.detach(idOf(params), idOf(params, 'documentId'), askerOf(principal));
        return {};
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/number-requests/{id}/submit',
      operationId: 'submitNumberRequest',
      tag: TAG,
      summary:
        'Hands the request in: it waits for its documents, its payment or its review, whichever is missing first',
      access: 'workspace',
      success: SUCCESS,
      problems: ['request_state', 'request_incomplete'],
      async handle({ principal, params }) {
        return {
          body: viewNumberRequest(await numberRequests.submit(idOf(params), askerOf(principal)), viewerOf(principal)),
        };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/number-requests/{id}/pay',
      operationId: 'payNumberRequest',
      tag: TAG,
      summary: 'Pays activation and first month from the balance, once',
      access: 'workspace',
      idempotent: true,
      success: SUCCESS,
      problems: ['request_state', 'request_incomplete', 'balance_too_low'],
      async handle({ principal, params, header }) {
        const key = idempotencyKey(header);
        const asker = askerOf(principal);
        const { request } = await numberRequests.get(idOf(params), asker);
        // The charge itself is called by the request's id: a key that is lost, or new, charges nothing more.
        const claim = await directory.idempotency.claim(`number-requests:${request.workspaceId}`, key, request.id);
        if (claim.value !== request.id) throw new Problem('idempotency_key_reused');
        const view = await numberRequests.pay(request.id, asker);
        const headers = view.repeated ? { 'idempotent-replayed': 'true' } : {};
        return { body: viewNumberRequest(view, viewerOf(principal)), headers };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/number-requests/{id}/cancel',
      operationId: 'cancelNumberRequest',
      tag: TAG,
      summary: 'Withdraws the request: what was paid is given back, what was typed and uploaded is erased',
      access: 'workspace',
      success: SUCCESS,
      problems: ['request_state'],
      async handle({ principal, params }) {
        return {
          body: viewNumberRequest(await numberRequests.cancel(idOf(params), askerOf(principal)), viewerOf(principal)),
        };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/number-requests/{id}/approve',
      operationId: 'approveNumberRequest',
      tag: TAG,
      summary: 'Approves the request with these numbers, which are in the workspace from then on',
      access: 'operator',
      body: schemas.approval,
      success: SUCCESS,
      problems: ['request_state', 'approval_conflict', 'number_taken', 'unknown_reference'],
      async handle({ principal, params, body }) {
        const asked = { numbers: body.numbers.filter(isE164), trunkId: body.trunkId ?? null };
        const view = await numberRequests.approve(idOf(params), asked, askerOf(principal));
        return { body: viewNumberRequest(view, viewerOf(principal)) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/number-requests/{id}/reject',
      operationId: 'rejectNumberRequest',
      tag: TAG,
      summary: 'Sends the request back with what is to be corrected; what was paid stays for the next try',
      access: 'operator',
      body: schemas.rejection,
      success: SUCCESS,
      problems: ['request_state'],
      async handle({ principal, params, body }) {
        const view = await numberRequests.reject(idOf(params), body.reason, askerOf(principal));
        return { body: viewNumberRequest(view, viewerOf(principal)) };
      },
    }),
  ];
}

function askerOf(principal: Principal): Asker {
  return { by: principal.kind === 'operator' ? 'operator' : 'customer', workspaceId: scopeOf(principal) };
}
