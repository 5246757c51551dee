// A Twilio Elastic SIP trunk, both ways: the trunk, who may call out through it (a credential list or a list of addresses, never both: a call
// would have to satisfy both), and where its calls are sent.

import { hasFailed, ok } from '../outcome.ts';
import type { Outcome, TrunkPlan } from '../provider.ts';
import type { TwilioSettings } from '../settings.ts';
import type { ActionStep, PlanContext, ResourceStep, StepContext, TrunkRecipe } from '../trunk/step.ts';
import type { TwilioClient, TwilioList } from './client.ts';
import type { TwilioNumbers } from './numbers.ts';
import { addressSteps, credentialSteps, outboundDiffers } from './outbound.ts';
import { found, nameOf, trunkOf } from './found.ts';
import { pathPart } from './sdk.ts';

const TRUNK = 'trunk';
const SUFFIX_CHARACTERS = 6;

export function twilioTrunk(client: TwilioClient, settings: TwilioSettings, numbers: TwilioNumbers): TrunkRecipe {
  const before = [trunkStep(client, settings)];
  const after = [originationStep(client), checkStep(client)];
  const credentials = credentialSteps(client, TRUNK);
  const addresses = addressSteps(client, TRUNK);
  return {
    provider: 'twilio',
    client,
    numbers,
    trunkStep: TRUNK,
    steps: [...before, ...credentials, ...addresses, ...after],
    stepsFor: ({ outbound }) => [...before, ...(outbound.kind === 'credentials' ? credentials : addresses), ...after],
    check(plan) {
      // Secure Trunking demands both, in both directions.
      const isPossible = plan.mediaEncryption === 'off' || plan.gateway.transport === 'tls';
      return isPossible ? ok(null) : client.fail('encrypted_media_refused', `with ${plan.gateway.transport}`);
    },
    ready: ({ plan, keeper }) => ({
      inbound: { addresses: settings.signalling, mediaEncryption: plan.mediaEncryption },
      outbound: {
        gateways: [
          {
            host: keeper.step(TRUNK)?.keys.at(-1) ?? '',
            port: plan.gateway.transport === 'tls' ? 5061 : 5060,
            priority: 10,
            weight: 10,
          },
        ],
        transport: plan.gateway.transport,
        mediaEncryption: plan.mediaEncryption,
        username: plan.outbound.kind === 'credentials' ? plan.outbound.username : null,
      },
    }),
  };
}

/** Domain names are shared by all customers of Twilio: ours may be taken. */
function trunkStep(client: TwilioClient, settings: TwilioSettings): ResourceStep {
  const area = 'trunks';
  const domain = (plan: TrunkPlan, suffix: string): string => `${nameOf(plan)}${suffix}.${settings.terminationDomain}`;
  return {
    kind: 'resource',
    name: TRUNK,
    text: 'Elastic SIP trunk',
    keyOf: ({ plan }) => domain(plan, ''),
    otherKey: ({ plan, random }) => domain(plan, `-${suffixOf(random)}`),
    find({ signal }, key) {
      const list: TwilioList = {
        operation: 'ListTrunk',
        area,
        key: 'trunks',
        send: (twilio, page) => twilio.trunking.v1.trunks.page(page),
        signal,
      };
      return found(client, list, 'domain_name', key);
    },
    make: ({ plan, signal }, key) =>
      client
        .call({
          operation: 'CreateTrunk',
          area,
          does: 'makes',
          send: (twilio) =>
            twilio.trunking.v1.trunks.create({
              friendlyName: nameOf(plan),
              domainName: key,
              secure: plan.mediaEncryption === 'required',
            }),
          read: (answer) => answer.text('sid'),
          signal,
        })
        .then(domainTaken),
    async exists({ signal }, id) {
      const trunk = await fetchTrunk(client, id, signal);
      if (trunk.ok) return ok(true);
      return hasFailed(trunk, 'not_found') ? ok(false) : trunk;
    },
    remove: ({ signal }, id) =>
      client.removed({ operation: 'DeleteTrunk', area, send: (twilio) => trunkOf(twilio, id).remove(), signal }),
  };
}

/** Which code a taken name has is not documented: what a new name is refused for is its name. */
function domainTaken(outcome: Outcome<string>): Outcome<string> {
  if (outcome.ok || outcome.failure.code !== 'request_refused') return outcome;
  const isName = /domain/i.test(outcome.failure.detail ?? '');
  return isName ? { ok: false, failure: { ...outcome.failure, code: 'name_taken' } } : outcome;
}

function originationStep(client: TwilioClient): ResourceStep {
  const area = 'trunks';
  return {
    kind: 'resource',
    name: 'origination_url',
    text: 'Calls to this gateway',
    keyOf: ({ plan }) => sipUrl(plan),
    async find({ keeper, signal }, key) {
      const trunk = keeper.resourceOf(TRUNK);
      if (trunk === undefined) return ok([]);
      return found(client, originationUrls(trunk, signal), 'sip_url', key);
    },
    make: ({ plan, keeper, signal }, key) =>
      client.call({
        operation: 'CreateOriginationUrl',
        area,
        does: 'makes',
        send: (twilio) =>
          trunkOf(twilio, keeper.resourceOf(TRUNK)).originationUrls.create({
            sipUrl: key,
            priority: 10,
            weight: 10,
            enabled: true,
            friendlyName: nameOf(plan),
          }),
        read: (answer) => answer.text('sid'),
        signal,
      }),
    remove: ({ keeper, signal }, id) =>
      client.removed({
        operation: 'DeleteOriginationUrl',
        area,
        send: (twilio) => trunkOf(twilio, keeper.resourceOf(TRUNK)).originationUrls(pathPart(id)).remove(),
        signal,
      }),
  };
}

function originationUrls(trunk: string, signal: StepContext['signal']): TwilioList {
  return {
    operation: 'ListOriginationUrl',
    area: 'trunks',
    key: 'origination_urls',
    send: (twilio, page) => trunkOf(twilio, trunk).originationUrls.page(page),
    signal,
  };
}

/** `sips:` is refused; TLS is a parameter of `sip:`. */
function sipUrl({ gateway: { host, port, transport } }: TrunkPlan): string {
  return `sip:${host}:${port};transport=${transport}`;
}

/** Numbers come only to a trunk that is as it should be: calls move with them. */
function checkStep(client: TwilioClient): ActionStep {
  return {
    kind: 'action',
    name: 'check',
    text: 'Reading back what was set up',
    async run(context) {
      const { limits } = client;
      for (let looks = 1; ; looks += 1) {
        const differs = await whatDiffers(client, context);
        if (!differs.ok || differs.value === null) return differs.ok ? ok(null) : differs;
        if (looks >= limits.looksMax) return client.fail('setup_differs', differs.value);
        if (!(await client.pause(looks - 1, context.signal))) return client.fail('cancelled');
      }
    },
  };
}

/** In words; null = nothing. */
async function whatDiffers(client: TwilioClient, context: PlanContext): Promise<Outcome<string | null>> {
  const { plan, keeper, signal } = context;
  const id = keeper.resourceOf(TRUNK) ?? '';
  const trunk = await fetchTrunk(client, id, signal);
  if (!trunk.ok) return hasFailed(trunk, 'not_found') ? ok('the trunk is not there') : trunk;
  if (trunk.value.isSecure !== (plan.mediaEncryption === 'required')) return ok('media encryption of the trunk');
  const urls = await client.all(originationUrls(id, signal), (url) => ({
    sipUrl: url.textOrNull('sip_url'),
    isEnabled: url.boolean('enabled', false),
  }));
  if (!urls.ok) return urls;
  if (!urls.value.some((url) => url.isEnabled && url.sipUrl === sipUrl(plan))) return ok('where calls are sent');
  return outboundDiffers(client, context, TRUNK);
}

function fetchTrunk(client: TwilioClient, id: string, signal: StepContext['signal']) {
  return client.call({
    operation: 'FetchTrunk',
    area: 'trunks',
    send: (twilio) => trunkOf(twilio, id).fetch(),
    read: (answer) => ({ isSecure: answer.boolean('secure', false) }),
    signal,
  });
}

function suffixOf(random: () => number): string {
  return Array.from({ length: SUFFIX_CHARACTERS }, () => Math.floor(random() * 36).toString(36)).join('');
}
