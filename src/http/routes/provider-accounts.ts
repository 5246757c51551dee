// Accounts of customers at Twilio and Telnyx: connected, looked into, set up, imported from, let go.

import { isE164 } from '../../domain/e164.ts';
import type { AccountCredentials, AccountRecord } from '../../numbers/accounts/account.ts';
import { scopeOf } from '../auth.ts';
import type { HttpDeps } from '../deps.ts';
import { NUMBER_PROBLEMS } from '../number-problems.ts';
import { viewAccount, viewAccountNumbers, viewImported } from '../number-views.ts';
import { invalidField, Problem } from '../problems.ts';
import { defineRoute, type Route } from '../route.ts';
import { pageOf, workspaceListQuery } from '../schemas/common.ts';
import * as schemas from '../schemas/provider-accounts.ts';
import { found, given, idOf, ownerOf, pageFrom } from './lookup.ts';

const PATH = '/v1/provider-accounts';
const ONE = `${PATH}/{id}`;

export function providerAccountRoutes({ directory, numbers }: HttpDeps): readonly Route[] {
  const view = async (account: AccountRecord): Promise<object> =>
    viewAccount(account, await numbers.accounts.importsOf(account));
  const one = (params: Readonly<Record<string, string>>, scope: string | undefined): Promise<AccountRecord> =>
    found(numbers.accounts.get(idOf(params), scope));
  const common = { tag: 'Provider accounts', access: 'workspace' } as const;
  const account = (status: number, description: string) => ({ status, description, schema: schemas.accountSchema });

  return [
    defineRoute({
      ...common,
      method: 'GET',
      path: PATH,
      operationId: 'listProviderAccounts',
      summary: 'Lists connected accounts',
      query: workspaceListQuery,
      success: { status: 200, description: 'A page of accounts', schema: pageOf(schemas.accountSchema) },
      problems: [],
      async handle({ principal, query }) {
        const workspaceId = scopeOf(principal, query.workspaceId);
        const page = await numbers.accounts.list({ ...pageFrom(query), ...given({ workspaceId }) });
        return { body: { items: await Promise.all(page.items.map(view)), nextCursor: page.nextCursor } };
      },
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: PATH,
      operationId: 'connectProviderAccount',
      summary: 'Connects an account: the key is checked, then stored encrypted. Nothing is changed at the provider',
      body: schemas.newAccount,
      success: account(201, 'The connected account'),
      problems: NUMBER_PROBLEMS,
      async handle({ principal, body }) {
        const workspaceId = ownerOf(principal, body.workspaceId);
        await found(directory.workspaces.get(workspaceId));
        const made = await numbers.accounts.connect(workspaceId, credentialsFrom(body), body.label ?? null);
        return { body: await view(made), headers: { location: `${PATH}/${made.id}` } };
      },
    }),
    defineRoute({
      ...common,
      method: 'GET',
      path: ONE,
      operationId: 'getProviderAccount',
      summary: 'One account, with the steps of its set-up as they stand now',
      success: account(200, 'The account'),
      problems: [],
      async handle({ principal, params }) {
        return { body: await view(await one(params, scopeOf(principal))) };
      },
    }),
    defineRoute({
      ...common,
      method: 'DELETE',
      path: ONE,
      operationId: 'removeProviderAccount',
      summary:
        'Forgets account and key. Refused while a trunk or numbers of it are in use, unless they are to stay as they are (keepTrunk)',
      query: schemas.removeQuery,
      success: { status: 204, description: 'Forgotten' },
      problems: NUMBER_PROBLEMS,
      async handle({ principal, params, query }) {
        await numbers.accounts.remove(await one(params, scopeOf(principal)), query.keepTrunk ?? false);
        return {};
      },
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: `${ONE}/key`,
      operationId: 'replaceProviderKey',
      summary: 'Replaces the key by another one of the same account',
      body: schemas.newKey,
      success: account(200, 'The account'),
      problems: NUMBER_PROBLEMS,
      async handle({ principal, params, body }) {
        const known = await one(params, scopeOf(principal));
        return {
          body: await view(await numbers.accounts.replaceKey(known, keyFrom(known, body), body.acceptGone ?? false)),
        };
      },
    }),
    defineRoute({
      ...common,
      method: 'GET',
      path: `${ONE}/numbers`,
      operationId: 'listProviderNumbers',
      summary: 'Numbers of the account, as they can be imported, or why not; asked of the provider now',
      query: schemas.accountNumbersQuery,
      success: { status: 200, description: 'A page of numbers', schema: schemas.accountNumbersSchema },
      problems: NUMBER_PROBLEMS,
      async handle({ principal, params, query }) {
        const page = await numbers.accounts.numbers(await one(params, scopeOf(principal)), query.cursor ?? null);
        return { body: viewAccountNumbers(page) };
      },
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: `${ONE}/import`,
      operationId: 'importProviderNumbers',
      summary:
        'Imports numbers: each is connected to the trunk, which is set up where there is none. Repeating it goes on',
      body: schemas.importRequest,
      success: {
        status: 200,
        description: 'Each number as it stands now; one that is pending is gone on with',
        schema: schemas.importedSchema,
      },
      problems: [...NUMBER_PROBLEMS, 'unknown_reference'],
      async handle({ principal, params, body }) {
        const known = await one(params, scopeOf(principal));
        const agentId = body.agentId ?? null;
        if (agentId !== null && (await directory.agents.get(agentId, known.workspaceId)) === undefined) {
          throw new Problem('unknown_reference', { fields: [{ field: 'agentId', message: 'there is no such agent' }] });
        }
        const wanted = body.numbers.map((e164, index) => {
          if (!isE164(e164)) throw invalidField(`numbers.${index}`, 'must be a number in E.164 form');
          return e164;
        });
        const imported = await numbers.accounts.import(known, {
          numbers: wanted,
          agentId,
          takeOver: body.takeOver ?? false,
        });
        return { body: { items: imported.map(viewImported) } };
      },
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: `${ONE}/provision`,
      operationId: 'provisionProviderTrunk',
      summary: 'Sets up the trunk both ways, or goes on from where that stopped; to be watched in the account',
      body: schemas.provisionRequest,
      success: account(202, 'The account, with the run under way'),
      problems: NUMBER_PROBLEMS,
      async handle({ principal, params, body }) {
        const { allowedCountries, acceptGone } = body;
        const known = await one(params, scopeOf(principal));
        return { body: await view(await numbers.accounts.provision(known, given({ allowedCountries, acceptGone }))) };
      },
    }),
    defineRoute({
      ...common,
      method: 'POST',
      path: `${ONE}/undo`,
      operationId: 'undoProviderTrunk',
      summary: 'Puts the numbers back as they were and deletes what was set up at the provider; may be repeated',
      body: schemas.undoRequest,
      success: account(202, 'The account, with the run under way'),
      problems: NUMBER_PROBLEMS,
      async handle({ principal, params, body }) {
        const known = await one(params, scopeOf(principal));
        return { body: await view(await numbers.accounts.undo(known, given({ acceptGone: body.acceptGone }))) };
      },
    }),
  ];
}

interface KeyFields {
  readonly accountSid?: string;
  readonly authToken?: string;
  readonly apiKey?: string;
}

function credentialsFrom(body: KeyFields & { readonly provider: AccountCredentials['provider'] }): AccountCredentials {
  if (body.provider === 'twilio') {
    refuseField(body, 'apiKey');
    return { provider: 'twilio', accountSid: needed(body, 'accountSid'), authToken: needed(body, 'authToken') };
  }
  refuseField(body, 'accountSid');
  refuseField(body, 'authToken');
  return { provider: 'telnyx', apiKey: needed(body, 'apiKey') };
}

function keyFrom({ provider }: AccountRecord, body: KeyFields): string {
  refuseField(body, provider === 'twilio' ? 'apiKey' : 'authToken');
  return needed(body, provider === 'twilio' ? 'authToken' : 'apiKey');
}

function needed(body: KeyFields, field: keyof KeyFields): string {
  return body[field] ?? refused(field, 'is required for this provider');
}

function refuseField(body: KeyFields, field: keyof KeyFields): void {
  if (body[field] !== undefined) refused(field, 'is of another provider');
}

function refused(field: string, message: string): never {
  throw invalidField(field, message);
}
