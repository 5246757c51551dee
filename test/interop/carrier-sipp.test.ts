import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exceptReference } from '../signalling/engine-under-test.ts';
import { startOnEitherEngine } from '../support/either-engine.ts';
import type { RunningGateway } from '../support/gateway.ts';
import { CallRecords } from './call-records.ts';
import { type CalleeOptions, callOut, change, sippPort, stopped } from './sipp/carrier.ts';
import { HAS_SIPP, runSipp, type SippOptions, type SippResult, startSipp } from './sipp/run.ts';

// What else carriers do, played by sipp against the whole gateway: proofs both ways, a registrar that restarts, glare, three proxies before the
// callee, and session timers in real time. What sipp sees on the wire stands in sipp/*.xml, what the record says here.

const CREDENTIALS = { username: 'acme', password: 's3cret' };
/** A trunk of its own has this address; the demo's trunks have all of loopback. */
const CARRIER_ADDRESS = '127.0.0.3';
/** sipp sends no audio. */
const mediaTimeouts = { firstPacketMs: 600_000, silenceMs: 600_000 };
const LONG_MS = 7 * 45_000 + 60_000;
const IS_LONG = process.env['SIPP'] === 'long';

let gateway: RunningGateway;
let records: CallRecords;
let folder: string;
let places = 0;

describe.skipIf(!HAS_SIPP)('carriers with sipp (needs: sipp)', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'callin-sipp-logs-'));
    gateway = await startOnEitherEngine({ config: { trunks: { healthIntervalMs: 1_000 } } });
    records = new CallRecords(gateway);
    await change(gateway, 'PATCH', '/v1/trunks/loopback?check=none', { mediaTimeouts });
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    expect(await gateway?.stop()).toBe(0);
  });

  describe('sipp: digest', () => {
    test.each([
      [401, 'MD5'],
      [401, 'SHA-256'],
      [407, 'MD5'],
      [407, 'SHA-256'],
    ] as const)(
      'signalling 2: a carrier that answers %i with %s has its proof of INVITE and BYE',
      async (status, algorithm) => {
        const isProxy = status === 407;
        const { logging, logged } = logOf('proofs');
        const { carrier, id } = await place('callee-digest.xml', {
          replace: {
            STATUS: String(status),
            ASKS: isProxy ? 'Proxy-Authenticate' : 'WWW-Authenticate',
            PROVES: isProxy ? 'Proxy-Authorization' : 'Authorization',
            ALGORITHM: algorithm,
            // It can do MD5 alone, and nothing of proxies.
            VERIFY:
              algorithm === 'MD5' && !isProxy
                ? `<verifyauth assign_to="right" username="${CREDENTIALS.username}" password="${CREDENTIALS.password}"/>`
                : '<ereg regexp="." search_in="msg" assign_to="right"/>',
          },
          extra: logging,
          outbound: CREDENTIALS,
        });
        await records.inState(id, 'answered');
        await change(gateway, 'POST', `/v1/calls/${id}/hangup`, {});
        expect(await records.final(id)).toMatchObject({ endReason: 'api_hangup', bill: { final: true } });
        expect(await stopped(carrier, 1_000)).toMatchObject({ failed: 0 });
        const proofs = [...logged().matchAll(/^.*?(INVITE|BYE) (Digest .*)$/gm)];
        expect(proofs.map(([, method]) => method)).toEqual(['INVITE', 'BYE']);
        for (const [, method = '', proof = ''] of proofs) {
          const field = fieldsOf(proof);
          expect(field).toMatchObject({ username: CREDENTIALS.username, algorithm, realm: 'carrier.example' });
          expect(field['response']).toBe(responseOf(field, method));
        }
      },
    );

    test.each(['MD5', 'SHA-256'] as const)(
      'signalling 1: a carrier that proves itself by %s is let in, another is not',
      async (algorithm) => {
        const e164 = `+1202555${String(5000 + ++places)}`;
        const trunk = await change(gateway, 'POST', '/v1/trunks?check=none', {
          workspaceId: 'demo',
          label: `proving ${algorithm}`,
          numbers: [{ e164, agentId: 'echo' }],
          inbound: { enabled: true, addresses: [CARRIER_ADDRESS], auth: CREDENTIALS },
        });
        const { logging, logged } = logOf('challenges');
        const asked = await callIn('challenged.xml', { service: e164, extra: logging, localAddress: CARRIER_ADDRESS });
        expect(asked.result).toMatchObject({ successful: 1, failed: 0 });
        const nonce = /nonce="([^"]+)"/.exec(logged())?.[1] ?? '';
        const realm = /realm="([^"]+)"/.exec(logged())?.[1] ?? '';
        const uri = `sip:${e164}@127.0.0.1:${gateway.sip.udpPort}`;
        const field = { ...CREDENTIALS, realm, nonce, uri, algorithm, qop: 'auth', nc: '00000001', cnonce: 'of-sipp' };
        const quoted = ['username', 'realm', 'nonce', 'uri', 'cnonce'] as const;
        const proof = (password: string) =>
          `Digest ${quoted.map((name) => `${name}="${field[name]}"`).join(', ')}, algorithm=${algorithm}, qop=auth, nc=00000001, response="${responseOf(field, 'INVITE', password)}"`;
        const wrong = { PROOF: proof('another') };
        const refused = await callIn('proven.xml', {
          service: e164,
          localAddress: CARRIER_ADDRESS,
          replace: wrong,
        });
        expect(refused.result.failed).toBe(1);
        expect(refused.result.errors).toMatch(/SIP\/2\.0 403 .*Reason: .*credentials_refused/s);
        expect(await records.from(refused.from)).toMatchObject({ endReason: 'credentials_refused' });
        const { result, from } = await callIn('proven.xml', {
          service: e164,
          localAddress: CARRIER_ADDRESS,
          replace: { PROOF: proof(CREDENTIALS.password) },
        });
        expect(result, result.errors).toMatchObject({ successful: 1, failed: 0 });
        expect(await records.from(from)).toMatchObject({
          endReason: 'remote_hangup',
          trunkId: trunk['id'],
          bill: { final: true },
        });
        // A challenge alone is no call.
        expect(await records.from(asked.from)).toBeUndefined();
        await change(gateway, 'PATCH', `/v1/trunks/${trunk['id']}`, { inbound: { enabled: false, addresses: [] } });
      },
    );
  });

  test('sipp: registration trunk, and a registrar that restarts (signalling 3)', async () => {
    const localPort = sippPort();
    const e164 = `+1202555${String(5000 + ++places)}`;
    const { logging, logged } = logOf('bindings');
    const registrar = (SECONDS: string) =>
      startSipp({
        scenario: 'registrar.xml',
        localPort,
        calls: 1000,
        timeoutMs: 90_000,
        replace: { SECONDS },
        extra: logging,
      });
    const before = registrar('4');
    const trunk = await change(gateway, 'POST', '/v1/trunks?check=none', {
      workspaceId: 'demo',
      label: 'registering',
      numbers: [{ e164, agentId: 'echo' }],
      inbound: { enabled: true },
      outbound: {
        enabled: true,
        register: true,
        ...CREDENTIALS,
        gateways: [{ host: '127.0.0.1', port: localPort }],
        allowedCountries: ['US'],
      },
    });
    const state = async () =>
      (await gateway.api<{ registration: { state: string } }>('GET', `/v1/trunks/${trunk['id']}`)).body.registration
        .state;
    await expect.poll(state, { timeout: 10_000 }).toBe('registered');
    // Until the refresh at half of the granted time.
    expect(await stopped(before, 3_000)).toMatchObject({ failed: 0 });
    await expect.poll(state, { timeout: 45_000 }).not.toBe('registered');
    const after = registrar('60');
    await expect.poll(state, { timeout: 45_000 }).toBe('registered');
    after.kill();
    await after.done;
    // A call over the registration: to the Contact that it has now, the number in To.
    const contact = [...logged().matchAll(/sip:([0-9a-f]{32})@/g)].at(-1)?.[1];
    if (contact === undefined) throw new Error('no binding was logged');
    const { result, from } = await callIn('over-registration.xml', {
      service: contact,
      localPort,
      replace: { CALLED: e164 },
    });
    expect(result, result.errors).toMatchObject({ successful: 1, failed: 0 });
    expect(await records.from(from)).toMatchObject({
      endReason: 'remote_hangup',
      trunkId: trunk['id'],
      bill: { final: true },
    });
  }, 120_000);

  exceptReference('23: it lets both through')(
    'sipp: glare (signalling 14): 491 to both, and ours is tried again',
    async () => {
      const { result, from } = await callIn('glare.xml', { timeoutMs: 80_000 });
      expect(result, result.errors).toMatchObject({ successful: 1, failed: 0 });
      expect(await records.from(from)).toMatchObject({ endReason: 'remote_hangup', bill: { final: true } });
    },
    90_000,
  );

  test('sipp: Record-Route with three hops before the callee (signalling 17): ACK and BYE go through all of them', async () => {
    const { carrier, id } = await place('callee-record-routed.xml', {});
    await records.inState(id, 'answered');
    await change(gateway, 'POST', `/v1/calls/${id}/hangup`, {});
    expect(await records.final(id)).toMatchObject({ endReason: 'api_hangup', bill: { final: true } });
    expect(await stopped(carrier)).toMatchObject({ failed: 0 });
  });

  // On a clock that is moved: test/signalling/session-timer-calls.test.ts.
  test.skipIf(!IS_LONG)(
    'sipp: session timer, both roles, over three and a half intervals (signalling 15; takes 6 minutes: SIPP=long)',
    async () => {
      const ours = await place('callee-session-timer-long.xml', { timeoutMs: LONG_MS });
      const theirs = ['session-timer-theirs.xml', 'session-timer-ours.xml'] as const;
      const ended = await Promise.all(theirs.map((scenario) => callIn(scenario, { timeoutMs: LONG_MS })));
      for (const { result, from } of ended) {
        expect(result, result.errors).toMatchObject({ successful: 1, failed: 0 });
        expect(await records.from(from)).toMatchObject({ endReason: 'remote_hangup', bill: { final: true } });
      }
      // It was answered last: its last refresh is on its way.
      await new Promise((resolve) => setTimeout(resolve, 5_000));
      expect((await records.of(ours.id)).state).toBe('answered');
      await change(gateway, 'POST', `/v1/calls/${ours.id}/hangup`, {});
      expect(await records.final(ours.id)).toMatchObject({ endReason: 'api_hangup', bill: { final: true } });
      expect(await stopped(ours.carrier)).toMatchObject({ failed: 0 });
    },
    LONG_MS + 20_000,
  );

  exceptReference('it does not tell')('nothing of all that is left over', () => records.nothingIsLeft());
});

/** Where sipp writes what its scenario logs. */
function logOf(name: string): { logging: readonly string[]; logged: () => string } {
  const file = join(folder, `${name}-${++places}.log`);
  return { logging: ['-trace_logs', '-log_file', file], logged: () => readFileSync(file, 'utf8') };
}

/** RFC 7616 section 3.4, written from there and not from our own client. */
function responseOf(field: Readonly<Record<string, string>>, method: string, password = CREDENTIALS.password): string {
  const hash = (text: string) =>
    createHash(field['algorithm'] === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const secret = hash(`${field['username']}:${field['realm']}:${password}`);
  const count = `${field['nonce']}:${field['nc']}:${field['cnonce']}:${field['qop']}`;
  return hash(`${secret}:${count}:${hash(`${method}:${field['uri']}`)}`);
}

function fieldsOf(proof: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...proof.matchAll(/(\w+)=(?:"([^"]*)"|([^\s,]+))/g)].map(([, name, quoted, bare]) => [name, quoted ?? bare ?? '']),
  );
}

/** Nothing of the media is played. */
const place = (scenario: SippOptions['scenario'], options: CalleeOptions) =>
  callOut(gateway, scenario, { trunk: { mediaTimeouts }, ...options });

type CallIn = Omit<SippOptions, 'scenario' | 'target'>;

/** Each call has a caller of its own, by which its record is found. */
async function callIn(
  scenario: SippOptions['scenario'],
  { replace = {}, service = '+12025550100', ...options }: CallIn,
): Promise<{ result: SippResult; from: string }> {
  const from = `+1202555${String(6000 + ++places)}`;
  const result = await runSipp({
    scenario,
    target: `127.0.0.1:${gateway.sip.udpPort}`,
    service,
    replace: { ...replace, CALLER: from },
    timeoutMs: 15_000,
    ...options,
  });
  return { result, from };
}
