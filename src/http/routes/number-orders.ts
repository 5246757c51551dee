// Numbers for sale, and their orders.

import { isE164 } from '../../domain/e164.ts';
import { type NumberOrder, stateOf } from '../../numbers/shop/order.ts';
import { scopeOf } from '../auth.ts';
import type { HttpDeps } from '../deps.ts';
import { fingerprint, idempotencyKey } from '../idempotency.ts';
import { NUMBER_PROBLEMS, problemOfNumbers } from '../number-problems.ts';
import { viewOffer, viewOrder } from '../number-views.ts';
import { invalidField, Problem } from '../problems.ts';
import { defineRoute, type Route } from '../route.ts';
import { pageOf, workspaceListQuery } from '../schemas/common.ts';
import * as schemas from '../schemas/number-orders.ts';
import { found, given, idOf, ownerOf, pageFrom, viewPage } from './lookup.ts';

const OFFERS = 20;

export function numberOrderRoutes({ directory, numbers, currency }: HttpDeps): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/available-numbers',
      operationId: 'searchAvailableNumbers',
      tag: 'Numbers',
      summary: 'Numbers that can be bought at once (US and Canada); an offer holds for half an hour',
      access: 'workspace',
      query: schemas.availableQuery,
      success: { status: 200, description: 'Numbers for sale', schema: schemas.availableNumbersSchema },
      problems: NUMBER_PROBLEMS,
      async handle({ principal, query }) {
        const workspaceId = ownerOf(principal, query.workspaceId);
        await found(directory.workspaces.get(workspaceId));
        const { country = 'US', type = 'local', areaCode = null, limit = OFFERS } = query;
        const offers = await numbers.shop.search(workspaceId, { country, type, areaCode, limit });
        return { body: { items: offers.map((offer) => viewOffer(offer, currency)) } };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/number-orders',
      operationId: 'orderNumbers',
      tag: 'Numbers',
      summary:
        'Buys numbers of a search just before; each stands for itself. A problem where none was bought: then nothing was charged',
      access: 'workspace',
      body: schemas.newOrder,
      idempotent: true,
      success: { status: 201, description: 'The order', schema: schemas.orderSchema },
      problems: [...NUMBER_PROBLEMS, 'unknown_reference'],
      async handle({ principal, body, header }) {
        const key = idempotencyKey(header);
        const workspaceId = ownerOf(principal, body.workspaceId);
        await found(directory.workspaces.get(workspaceId));
        const agentId = body.agentId ?? null;
        if (agentId !== null && (await directory.agents.get(agentId, workspaceId)) === undefined) {
          throw new Problem('unknown_reference', { fields: [{ field: 'agentId', message: 'there is no such agent' }] });
        }
        const wanted = body.numbers.map((e164, index) => {
          if (!isE164(e164)) throw invalidField(`numbers.${index}`, 'must be a number in E.164 form');
          return e164;
        });
        const { order, isRepeat } = await numbers.shop.order({
          workspaceId,
          idempotencyKey: key,
          fingerprint: fingerprint({ numbers: wanted, agentId }),
          numbers: wanted,
          agentId,
        });
        if (stateOf(order) === 'failed') throw nothingBought(order);
        const replayed = isRepeat ? { 'idempotent-replayed': 'true' } : {};
        return { body: viewOrder(order), headers: { location: `/v1/number-orders/${order.id}`, ...replayed } };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/number-orders',
      operationId: 'listNumberOrders',
      tag: 'Numbers',
      summary: 'Lists orders of numbers, newest first',
      access: 'workspace',
      query: workspaceListQuery,
      success: { status: 200, description: 'A page of orders', schema: pageOf(schemas.orderSchema) },
      problems: [],
      async handle({ principal, query }) {
        const workspaceId = scopeOf(principal, query.workspaceId);
        return {
          body: viewPage(await numbers.shop.list({ ...pageFrom(query), ...given({ workspaceId }) }), viewOrder),
        };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/number-orders/{id}',
      operationId: 'getNumberOrder',
      tag: 'Numbers',
      summary: 'One order, with what became of each number',
      access: 'workspace',
      success: { status: 200, description: 'The order', schema: schemas.orderSchema },
      problems: [],
      async handle({ principal, params }) {
        return { body: viewOrder(await found(numbers.shop.get(idOf(params), scopeOf(principal)))) };
      },
    }),
  ];
}

/** The first number's reason, and each number's own beside it. The order stays to be looked at. */
function nothingBought({ numbers }: NumberOrder): Problem {
  const fields = numbers.map(({ failure }, index) => ({ field: `numbers.${index}`, message: failure?.text ?? '' }));
  const failure = numbers.find((number) => number.failure !== null)?.failure;
  if (failure === undefined || failure === null) throw new Error('an order failed without a reason');
  return problemOfNumbers(failure, fields);
}
