// An account at each provider with things of somebody else in it, a trunk to be set up there, and what must come of it whatever happens.

import type { ApiLimits } from '../../../src/providers/api/limits.ts';
import type { ProviderAccount, TrunkPlan } from '../../../src/providers/index.ts';
import type { FakeProvider, Fault } from '../../support/fake-provider.ts';
import { telnyxError } from '../../support/fake-telnyx/answers.ts';
import { API_KEY, startFakeTelnyx } from '../../support/fake-telnyx.ts';
import { twilioError } from '../../support/fake-twilio/answers.ts';
import { ACCOUNT_SID, AUTH_TOKEN, startFakeTwilio } from '../../support/fake-twilio.ts';
import type { Json } from '../../support/openapi-document.ts';
import { Keeping, plan, SIP_PASSWORD, Stage, successOf } from '../stage.ts';

export interface World {
  readonly fake: FakeProvider;
  readonly stage: Stage;
  readonly plan: TrunkPlan;
  readonly keeping: Keeping;
  /** A new adapter, as after a restart. */
  open(): ProviderAccount;
  /** Everything at the provider, byte for byte. */
  snapshot(): Json;
  /** The same without ids, so that two runs can be compared. */
  shape(): string;
}

export interface WorldKind {
  readonly name: 'twilio' | 'telnyx';
  make(): Promise<World>;
  /** An answer that means: not carried out. */
  refusal(status: number): Fault;
}

/** Fewer pauses than outside, for speed; the order of things is the same. */
const LIMITS: Partial<ApiLimits> = { attemptsMax: 3, looksMax: 6 };

export const TELNYX: WorldKind = {
  name: 'telnyx',
  async make() {
    const fake = await startFakeTelnyx();
    fake.state.listLag = 2;
    fake.state.numberLag = 1;
    const foreign = fake.addConnection('callin-acct-7k2m-by-hand');
    fake.addProfile('callin-acct-7k2m-by-hand');
    fake.addFqdn(foreign, 'sip.edge.example.com');
    const taken = fake.addNumber('+12025550101', {
      connection_id: foreign,
      connection_name: 'callin-acct-7k2m-by-hand',
    });
    const free = fake.addNumber('+12025550102');
    fake.addNumber('+12025550103', { connection_id: foreign, connection_name: 'callin-acct-7k2m-by-hand' });
    const stage = new Stage({ telnyx: fake.urls }, LIMITS);
    stage.watch(fake);
    return {
      fake,
      stage,
      plan: plan({ numbers: numbersOf(taken.id, free.id) }),
      keeping: new Keeping('telnyx'),
      open: () => successOf(stage.providers.openTelnyx(API_KEY)),
      snapshot: () => fake.snapshot(),
      shape() {
        const { numbers, profiles, fqdnConnections, credentialConnections, fqdns } = fake.state;
        const all = [numbers, profiles, fqdnConnections, credentialConnections, fqdns].flatMap((map) => [
          ...map.values(),
        ]);
        return shapeOf(
          all,
          all.map((one) => [one.id, one.connection_name ?? one.name ?? one.fqdn ?? one.phone_number]),
        );
      },
    };
  },
  refusal: (status) =>
    ({
      401: refuse(telnyxError(401, '20002', 'The key was revoked')),
      403: refuse(telnyxError(403, '10010', 'Not permitted')),
      422: refuse(telnyxError(422, '20100', 'Insufficient funds')),
      429: refuse({ ...telnyxError(429, '10011', 'Too many requests'), headers: { 'retry-after': '2' } }),
    })[status] ?? refuse({ status }),
};

export const TWILIO: WorldKind = {
  name: 'twilio',
  async make() {
    const fake = await startFakeTwilio();
    fake.state.listLag = 2;
    const foreign = fake.addTrunk('callin-acct-7k2m-other.pstn.twilio.com');
    fake.addCredentialList('callin-acct-7k2m-other');
    const taken = fake.addNumber('+12025550101', { trunk_sid: foreign, voice_url: 'https://old.example/' });
    const free = fake.addNumber('+12025550102');
    fake.addNumber('+12025550103', { voice_url: 'https://pbx.example/in' });
    const stage = new Stage({ twilio: fake.urls }, LIMITS);
    stage.watch(fake);
    return {
      fake,
      stage,
      plan: plan({ numbers: numbersOf(taken.sid, free.sid) }),
      keeping: new Keeping('twilio'),
      open: () => successOf(stage.providers.openTwilio({ accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN })),
      snapshot: () => fake.snapshot(),
      shape() {
        const { numbers, trunks, credentialLists } = fake.state;
        const lists = [...credentialLists].map(([sid, { name, credentials }]) => ({
          sid,
          name,
          c: [...credentials.values()],
        }));
        const all: Json[] = [
          ...numbers.values(),
          ...lists,
          ...[...trunks.values()].map(({ originationUrls, credentialLists: links, ...trunk }) => ({
            ...trunk,
            urls: [...originationUrls.values()].map(({ sip_url, enabled }) => ({ sip_url, enabled })),
            links: [...links],
          })),
        ];
        return shapeOf(
          all,
          all.map((one) => [one.sid, one.domainName ?? one.name ?? one.phone_number]),
        );
      },
    };
  },
  refusal: (status) =>
    ({
      401: refuse(twilioError(401, 20003, 'Authenticate')),
      403: refuse(twilioError(403, 70051, 'Not permitted')),
      422: refuse(twilioError(400, 20005, 'The account is not active')),
      429: refuse({ ...twilioError(429, 20429, 'Too many requests'), headers: { 'retry-after': '2' } }),
    })[status] ?? refuse({ status }),
};

/** What an account holds after a run in which nothing went wrong. */
export async function cleanShape(
  kind: WorldKind,
): Promise<{ shape: string; operations: readonly string[]; undo: readonly string[] }> {
  const world = await kind.make();
  successOf(await world.open().trunk.provision(world.plan, world.keeping.run()));
  const shape = world.shape();
  const { operations } = world.fake;
  successOf(await world.open().trunk.undo(world.keeping.run()));
  const undo = world.fake.operations.slice(operations.length);
  await world.fake.close();
  return { shape, operations, undo };
}

/** Of anything that a run leaves behind: records and events. */
export function secretsIn(world: World): string[] {
  const text = JSON.stringify([world.keeping.saved, world.keeping.progress, world.stage.observed]);
  return [SIP_PASSWORD, API_KEY, AUTH_TOKEN].filter((secret) => text.includes(secret));
}

function numbersOf(taken: string, free: string): TrunkPlan['numbers'] {
  return [
    { providerId: taken, takeOver: true },
    { providerId: free, takeOver: false },
  ];
}

function refuse(answer: Extract<Fault, { kind: 'refuse' }>['answer']): Fault {
  return { kind: 'refuse', answer };
}

function shapeOf(all: readonly Json[], names: readonly (readonly [string, string])[]): string {
  const lines = all.map((one) =>
    names.reduce((text, [id, name]) => text.replaceAll(id, `<${name}>`), JSON.stringify(one)),
  );
  return lines.toSorted().join('\n');
}
