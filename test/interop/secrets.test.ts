import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { stringify, parse as parseYaml } from 'yaml';
import type { OpenApiDocument } from '../../src/http/openapi.ts';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { header } from '../../src/phone/sip.ts';
import { earFor } from '../support/code-ear.ts';
import { ACCOUNT_SID, AUTH_TOKEN, type FakeTwilio, startFakeTwilio } from '../support/fake-twilio.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { contactOf, RawSipPeer, requestText } from '../support/raw-sip-peer.ts';

// Secrets are planted in a real gateway with its real logger at its most talkative, used, and then searched for: in what it logged, what it
// measures, what the API answered, what watchers saw, and in every file of its data folder.
//
// A new secret is one line in GIVEN (it comes in by a request, and never out) or one `reveal` (it goes out once, where it was made).

type Place = 'log' | 'metrics' | 'answers' | 'events' | 'store';
const PLACES: readonly Place[] = ['log', 'metrics', 'answers', 'events', 'store'];

interface Secret {
  readonly what: string;
  readonly value: string;
  /** Where it stands by design. */
  readonly known?: readonly Place[];
}

interface Given {
  readonly what: string;
  /** Default: a random text. */
  readonly value?: string;
  readonly known?: readonly Place[];
  readonly plant: (value: string) => Promise<unknown>;
}

const GIVEN: readonly Given[] = [
  {
    what: 'token of an agent',
    plant: (authToken) => make('/v1/agents', { name: 'a', stream: { ...STREAM, authToken } }),
  },
  {
    what: 'header of an agent',
    plant: (value) => make('/v1/agents', { name: 'b', stream: { ...STREAM, headers: { 'X-Api-Key': value } } }),
  },
  {
    what: 'password towards a carrier',
    plant: async (password) => {
      const outbound = {
        enabled: true,
        gateways: [gatewayOf(carrier)],
        username: 'us',
        password,
        allowedCountries: ['US'],
      };
      carrierTrunk = await make('/v1/trunks', { label: 'byoc', outbound });
      await make('/v1/numbers', { e164: CALLER, trunkId: carrierTrunk, agentId: 'echo' });
      await callOut(password);
    },
  },
  {
    what: 'changed password towards a carrier',
    plant: (password) => ask('PATCH', `/v1/trunks/${carrierTrunk}`, { body: { outbound: { password } } }),
  },
  {
    what: 'password of a carrier',
    plant: async (password) => {
      const inbound = { enabled: true, addresses: ['192.0.2.9'], auth: { username: 'carrier', password } };
      await make('/v1/trunks', { label: 'digest', inbound });
    },
  },
  {
    what: 'token of a Twilio account',
    value: AUTH_TOKEN,
    plant: (authToken) => make('/v1/provider-accounts', { provider: 'twilio', accountSid: ACCOUNT_SID, authToken }),
  },
  {
    what: 'token of a Twilio account that it does not know',
    value: 'deadbeefdeadbeefdeadbeefdeadbeef',
    plant: (authToken) =>
      ask('POST', '/v1/provider-accounts', { body: { provider: 'twilio', accountSid: ACCOUNT_SID, authToken } }),
  },
  { what: 'SDES key of a caller', value: randomBytes(30).toString('base64'), plant: (key) => callWithSdes(key) },
  {
    what: 'content of a document',
    plant: async (value) => {
      const order = { workspaceId: 'demo', country: 'ES', type: 'local', requestType: 'new', quantity: 1 };
      request = (await ask('POST', '/v1/number-requests', { body: order })).body.id;
      const form = new FormData();
      form.set('kind', 'proof_of_address');
      form.set('file', new Blob([pdfWith(value)]), 'proof.pdf');
      const attached = await ask('POST', `/v1/number-requests/${request}/documents`, { form });
      expect(attached.status, JSON.stringify(attached.body)).toBe(201);
    },
  },
  {
    what: 'field of a number request',
    // Shown to those whose it is.
    known: ['answers', 'events'],
    plant: async (value) => {
      const saved = await ask('PUT', `/v1/number-requests/${request}/fields/street`, { body: { value } });
      expect(saved.status, JSON.stringify(saved.body)).toBe(200);
    },
  },
  { what: 'wrong token', plant: (token) => ask('GET', '/v1/node', { token }) },
  {
    what: 'token of a sign-in that fails',
    plant: (token) => ask('POST', '/v1/sessions', { token: null, body: { token } }),
  },
  {
    what: 'password in bodies that are refused',
    plant: async (password) => {
      await ask('POST', '/v1/trunks', { body: { label: 7, outbound: { password: [password] }, inbound: password } });
      await ask('POST', '/v1/trunks', { body: { label: 'x', [password.slice(0, 8)]: { password } } });
      await ask('POST', '/v1/trunks', { raw: `{"outbound":{"password":"${password}"` });
    },
  },
  {
    what: 'token in the query and in the path',
    plant: async (token) => {
      await ask('GET', `/v1/agents?token=${token}&limit=${token}`);
      await ask('GET', `/v1/agents/${token}`);
      await ask('GET', `/console/${token}`, { token: null });
    },
  },
];

const STREAM = { url: 'wss://agent.example/stream', protocol: 'twilio' };
const CALLER = '+12025550160';
const PERSONAL = '+12025550142';
const secrets: Secret[] = [];
const found: Record<Exclude<Place, 'metrics' | 'store'>, string[]> = { log: [], answers: [], events: [] };
const places = new Map<Place, string>();

let folder: string;
let gateway: RunningGateway;
let carrier: Phone;
let twilio: FakeTwilio;
let apiToken: string;
let carrierTrunk: string;
let request: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'callin-secrets-'));
  carrier = await createPhone({ seed: 3, audio: { codecs: ['PCMU'] } });
  twilio = await startFakeTwilio();
  gateway = await startGateway({
    dataDir: folder,
    config: {
      log: { level: 'trace' },
      personalNumbers: { callerId: '+12025550199' },
      providers: { file: providersFile() },
    },
    onLine: (line) => void found.log.push(line),
  });
  const events = await watchEverything();
  await reveal('admin token', gateway.adminToken);
  await openAccess();
  for (const { what, value = `canary-${randomBytes(12).toString('hex')}`, known = [], plant } of GIVEN) {
    secrets.push({ what, value, known });
    await plant(value);
  }
  await verifyTelephone();
  await readEverything();
  places.set('metrics', await gateway.metrics());
  events.abort();
  await gateway.stop();
  for (const place of ['log', 'answers', 'events'] as const) places.set(place, found[place].join('\n'));
  places.set('store', storedText());
}, 90_000);

afterAll(async () => {
  await gateway?.kill();
  await twilio?.close();
  await carrier?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('secrets that were given to the gateway, or made by it', () => {
  test('were planted, and the places are worth a search', () => {
    expect(secrets.length).toBeGreaterThan(GIVEN.length + 4);
    for (const place of PLACES) expect(places.get(place)?.length, place).toBeGreaterThan(1_000);
    expect(places.get('log')).toContain('"level":"debug"');
    expect(places.get('events')).toContain('event: call');
    expect(places.get('store')).toContain('console_sessions');
    expect(twilio.requests.length).toBeGreaterThan(1);
  });

  test.each(PLACES)('%s: 0 hits', (place) => {
    const text = places.get(place) ?? '';
    const hits = secrets
      .filter(({ known = [] }) => !known.includes(place))
      .flatMap(({ what, value }) =>
        formsOf(value)
          .filter((form) => form.test(text))
          .map(() => what),
      );
    expect(hits).toEqual([]);
  });
});

/** As it is, and as encodings of it would be. */
function formsOf(value: string): RegExp[] {
  // A code is short: only as a word of its own.
  if (/^\d+$/.test(value)) return [new RegExp(`(?<![\\d.])${value}(?![\\d.])`)];
  const bytes = Buffer.from(value);
  const texts = new Set([value, encodeURIComponent(value), bytes.toString('hex')]);
  // Base64 of it inside something longer, at each of the three alignments.
  for (const before of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replaceAll('=', '');
    texts.add(padded.slice(before === 0 ? 0 : 4, -3));
  }
  return [...texts].map((text) => new RegExp(text.replaceAll(/[^\w]/g, '\\$&')));
}

async function reveal(what: string, value: string, known: readonly Place[] = []): Promise<void> {
  expect(value.length, what).toBeGreaterThan(5);
  secrets.push({ what, value, known });
}

/** Keys, sessions, webhooks: what is shown once, where it is made. */
async function openAccess(): Promise<void> {
  const made = { unseen: true };
  apiToken = (await ask('POST', '/v1/workspaces/demo/keys', { ...made, body: { label: 'k', role: 'admin' } })).body
    .token;
  await reveal('API key', apiToken);
  const { headers, body } = await ask('POST', '/v1/sessions', { ...made, token: null, body: { token: apiToken } });
  const cookie = /callin_session=([\w-]+)/.exec(headers.get('set-cookie') ?? '')?.[1] ?? '';
  await reveal('cookie of a session', cookie);
  // A page that is loaded again is told it again.
  await reveal('CSRF token', body.csrfToken, ['answers']);
  await ask('GET', '/v1/sessions/current', { token: null, headers: { cookie: `callin_session=${cookie}` } });
  const url = 'http://127.0.0.1:9/hook';
  const hook = (await ask('POST', '/v1/webhooks', { ...made, body: { workspaceId: 'demo', url, events: 'all' } })).body;
  await reveal('secret of a webhook', hook.secret);
  const rotated = await ask('POST', `/v1/webhooks/${hook.id}/secret`, made);
  await reveal('new secret of a webhook', rotated.body.secret);
}

/** The carrier asks for the password, gets an answer made of it, and refuses the call all the same. */
async function callOut(password: string): Promise<void> {
  carrier.onCall((call) => {
    const isProven = call.authenticate({ realm: 'carrier', nonce: 'n0nce' }, { username: 'us', password });
    if (isProven) call.reject(480);
  });
  await ask('POST', '/v1/calls', { body: { workspaceId: 'demo', from: CALLER, to: '+12025550111' } });
  const again = await carrier.waitForCall(2);
  expect(header(again.invite, 'authorization')).toContain('response=');
  await vi.waitFor(() => expect(again.state).toBe('ended'), 5_000);
  carrier.onCall(() => undefined);
}

/** A caller with a key for his media; what the gateway answers has a key of its own. */
async function callWithSdes(key: string): Promise<void> {
  const peer = await RawSipPeer.udp();
  const sdp = [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    'm=audio 40998 RTP/SAVP 0',
    'a=rtpmap:0 PCMU/8000',
    `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}`,
    '',
  ].join('\r\n');
  const callee = `sip:+12025550101@127.0.0.1:${gateway.sip.udpPort}`;
  const invite = requestText(peer, {
    method: 'INVITE',
    uri: callee,
    callId: 'secrets-1',
    from: '<sip:+12025550170@127.0.0.1>;tag=a',
    to: `<${callee}>`,
    sequence: 1,
    branch: 'z9hG4bKsecrets1',
    contact: contactOf(peer, 'caller'),
    body: sdp,
  });
  peer.send(invite, gateway.sip.udpPort);
  const final = await peer.next((message) => (message.status ?? 0) >= 200, 10_000);
  const ours = /inline:([\w+/=]+)/.exec(final.body)?.[1];
  // Where the call is refused there is none.
  if (ours !== undefined) await reveal('SDES key of the gateway', ours);
  await peer.close();
}

async function verifyTelephone(): Promise<void> {
  await ask('POST', '/v1/trunks', {
    body: {
      kind: 'managed',
      label: 'carrier',
      inbound: { enabled: false },
      outbound: { enabled: true, gateways: [gatewayOf(carrier)], allowedCountries: ['US'] },
    },
  });
  const calls = carrier.incoming.length;
  const { id } = (await ask('POST', '/v1/personal-numbers', { body: { workspaceId: 'demo', e164: PERSONAL } })).body;
  const call = await carrier.waitForCall(calls + 1);
  await call.answer();
  const heard = () => earFor('en')(call.received.audio);
  // Greeting, warning, introduction; then the code was said once, and what comes next has begun.
  await vi.waitFor(() => expect(heard().phrases.length).toBeGreaterThan(3), { timeout: 30_000, interval: 200 });
  const [code = ''] = heard().codes;
  expect(code).toMatch(/^\d{6}$/);
  await reveal('verification code', code);
  expect((await ask('POST', `/v1/personal-numbers/${id}/verify`, { body: { code } })).status).toBe(200);
}

/** Every GET of the document, as operator and as workspace, with the ids that lists show. */
async function readEverything(): Promise<void> {
  const document = (await (await fetch(`${base()}/v1/openapi.json`)).json()) as OpenApiDocument;
  const gets = Object.entries(document.paths).filter(
    ([path, operations]) => 'get' in operations && path !== '/v1/events',
  );
  for (const [path] of gets.filter(([template]) => !template.includes('{'))) {
    for (const token of [gateway.adminToken, apiToken]) {
      const { body } = await ask('GET', path, { token });
      for (const { id } of (body?.items ?? []) as { id?: string }[]) {
        for (const [template] of gets.filter(([each]) => each.startsWith(`${path}/{id}`))) {
          const one = template.replace('{id}', id ?? '').replace('{month}', '2026-01');
          if (!one.includes('{')) await ask('GET', one, { token });
        }
      }
    }
  }
}

interface Asking {
  readonly token?: string | null;
  readonly body?: unknown;
  readonly raw?: string;
  readonly form?: FormData;
  readonly headers?: Readonly<Record<string, string>>;
  /** The answer shows what it made, this once. */
  readonly unseen?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
type Answer = { status: number; headers: Headers; body: any };

async function ask(method: string, path: string, asking: Asking = {}): Promise<Answer> {
  const { token = gateway.adminToken, body, raw, form, headers = {}, unseen = false } = asking;
  const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const content = form ?? text;
  const response = await fetch(base() + path, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(text === undefined ? {} : { 'content-type': 'application/json' }),
      ...(method === 'POST' ? { 'idempotency-key': crypto.randomUUID() } : {}),
      ...headers,
    },
    ...(content === undefined ? {} : { body: content }),
  });
  const answered = await response.text();
  if (!unseen) found.answers.push(answered, JSON.stringify([...response.headers]));
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(answered) : undefined };
}

async function make(path: string, body: object): Promise<string> {
  const answer = await ask('POST', path, { body: { workspaceId: 'demo', ...body } });
  expect(answer.status, `${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer.body.id;
}

async function watchEverything(): Promise<AbortController> {
  const leave = new AbortController();
  const headers = { authorization: `Bearer ${gateway.adminToken}` };
  const response = await fetch(`${base()}/v1/events`, { headers, signal: leave.signal });
  const read = async (): Promise<void> => {
    for await (const chunk of response.body ?? []) found.events.push(new TextDecoder().decode(chunk));
  };
  // It ends by being left.
  read().catch((error: unknown) => leave.signal.aborted || found.log.push(`watching failed: ${String(error)}`));
  return leave;
}

/** The least that is a PDF. */
function pdfWith(text: string): string {
  const head = `%PDF-1.4\n%${text}\n`;
  const tail = 'xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 1 >>\nstartxref\n';
  return `${head}${tail}${head.length}\n%%EOF\n`;
}

/** All that the gateway keeps; what it was started with is not its own. */
function storedText(): string {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !['test-config.yaml', 'providers.yaml'].includes(entry.name))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)).toString('latin1'))
    .join('\n');
}

/** The real settings, with the fake Twilio in the place of the real one. */
function providersFile(): string {
  const settings = parseYaml(readFileSync(new URL('../../config/providers.yaml', import.meta.url), 'utf8'));
  const file = join(folder, 'providers.yaml');
  writeFileSync(file, stringify({ ...settings, twilio: { ...settings.twilio, ...twilio.urls } }));
  return file;
}

function gatewayOf({ host, port }: Phone): object {
  return { host, port };
}

function base(): string {
  return `http://127.0.0.1:${gateway.http.port}`;
}
