// Webhooks: where a workspace wants to be told of its calls and its balance, and what became of each event.

import type { Principal } from '../auth.ts';
import { scopeOf } from '../auth.ts';
import type { HttpDeps } from '../deps.ts';
import { Problem } from '../problems.ts';
import { defineRoute, type Route } from '../route.ts';
import { pageOf, workspaceListQuery } from '../schemas/common.ts';
import * as schemas from '../schemas/webhooks.ts';
import { viewDelivery, viewWebhook, viewWebhookWithSecret } from '../webhook-views.ts';
import { found, given, idOf, ownerOf, pageFrom, viewPage } from './lookup.ts';

type Params = Readonly<Record<string, string>>;

export function webhookRoutes({ directory, webhooks }: HttpDeps): readonly Route[] {
  /** What the path names, seen by who asks. */
  const named = (principal: Principal, params: Params) => [idOf(params), scopeOf(principal)] as const;

  return [
    defineRoute({
      method: 'GET',
      path: '/v1/webhooks',
      operationId: 'listWebhooks',
      tag: 'Webhooks',
      summary: 'Lists webhooks (never their secrets)',
      access: 'workspace',
      query: workspaceListQuery,
      success: { status: 200, description: 'A page of webhooks', schema: pageOf(schemas.webhookSchema) },
      problems: [],
      async handle({ principal, query }) {
        const workspaceId = scopeOf(principal, query.workspaceId);
        return { body: viewPage(await webhooks.list({ ...pageFrom(query), ...given({ workspaceId }) }), viewWebhook) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/webhooks',
      operationId: 'createWebhook',
      tag: 'Webhooks',
      summary: 'Creates a webhook; the secret is shown this once',
      access: 'workspace',
      body: schemas.newWebhook,
      success: { status: 201, description: 'The webhook with its secret', schema: schemas.createdWebhookSchema },
      problems: ['unknown_reference', 'webhook_limit'],
      async handle({ principal, body }) {
        const workspaceId = ownerOf(principal, body.workspaceId);
        if ((await directory.workspaces.get(workspaceId)) === undefined) throw new Problem('unknown_reference');
        const { url, events = 'all', enabled = true, description = '' } = body;
        const created = await webhooks.create({ workspaceId, url, events, enabled, description });
        return {
          body: viewWebhookWithSecret(created),
          headers: { location: `/v1/webhooks/${created.endpoint.id}` },
        };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/webhooks/{id}',
      operationId: 'getWebhook',
      tag: 'Webhooks',
      summary: 'One webhook',
      access: 'workspace',
      success: { status: 200, description: 'The webhook', schema: schemas.webhookSchema },
      problems: [],
      async handle({ principal, params }) {
        return { body: viewWebhook(await found(webhooks.get(...named(principal, params)))) };
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: '/v1/webhooks/{id}',
      operationId: 'changeWebhook',
      tag: 'Webhooks',
      summary: 'Changes a webhook; what waits goes to the new URL, and a disabled one keeps what waits',
      access: 'workspace',
      body: schemas.webhookChange,
      success: { status: 200, description: 'The changed webhook', schema: schemas.webhookSchema },
      problems: [],
      async handle({ principal, params, body }) {
        const { url, events, enabled, description } = body;
        const change = given({ url, events, enabled, description });
        const [id, workspaceId] = named(principal, params);
        return { body: viewWebhook(await found(webhooks.change(id, change, workspaceId))) };
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/v1/webhooks/{id}',
      operationId: 'deleteWebhook',
      tag: 'Webhooks',
      summary: 'Deletes a webhook with everything that waits for it',
      access: 'workspace',
      success: { status: 204, description: 'Deleted' },
      problems: [],
      async handle({ principal, params }) {
        if (!(await webhooks.delete(...named(principal, params)))) throw new Problem('not_found');
        return {};
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/webhooks/{id}/secret',
      operationId: 'rotateWebhookSecret',
      tag: 'Webhooks',
      summary: 'Makes a new secret, shown this once; the one before signs too for 24 hours',
      access: 'workspace',
      success: { status: 201, description: 'The webhook with its new secret', schema: schemas.createdWebhookSchema },
      problems: [],
      async handle({ principal, params }) {
        return { body: viewWebhookWithSecret(await found(webhooks.rotate(...named(principal, params)))) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/webhooks/{id}/test',
      operationId: 'testWebhook',
      tag: 'Webhooks',
      summary: 'Sends a webhook.test event, once',
      access: 'workspace',
      success: { status: 202, description: 'The delivery, to be looked at again', schema: schemas.deliverySchema },
      problems: ['webhook_disabled'],
      async handle({ principal, params }) {
        return { body: viewDelivery(await found(webhooks.test(...named(principal, params)))) };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/webhooks/{id}/deliveries',
      operationId: 'listWebhookDeliveries',
      tag: 'Webhooks',
      summary: 'Lists what was sent and what waits, newest first',
      access: 'workspace',
      query: schemas.deliveryQuery,
      success: { status: 200, description: 'A page of deliveries', schema: pageOf(schemas.deliverySchema) },
      problems: [],
      async handle({ principal, params, query }) {
        const [id, workspaceId] = named(principal, params);
        const { status } = query;
        const wanted = { ...pageFrom(query), ...given({ status }) };
        return { body: viewPage(await found(webhooks.deliveries(id, wanted, workspaceId)), viewDelivery) };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/webhooks/{id}/deliveries/{deliveryId}/retry',
      operationId: 'retryWebhookDelivery',
      tag: 'Webhooks',
      summary: 'Sends one delivery again, or now; the receiver tells a repeat by its id',
      access: 'workspace',
      success: { status: 202, description: 'The delivery, open again', schema: schemas.deliverySchema },
      problems: ['webhook_disabled'],
      async handle({ principal, params }) {
        const [id, workspaceId] = named(principal, params);
        const delivery = webhooks.retry(id, idOf(params, 'deliveryId'), workspaceId);
        return { body: viewDelivery(await found(delivery)) };
      },
    }),
  ];
}
