import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/domain/clock.ts';
import { nextHopOf } from '../../src/signalling/gateway-hosts.ts';
import { type RegisterRequest, register } from '../../src/signalling/register-request.ts';
import { Registrar } from '../support/registrar.ts';
import { Harness } from './harness.ts';

// REGISTER on the wire, by the engine under test.

const CREDENTIALS = { username: 'acme', password: 's3cret' };
let harness: Harness;
const registrars: Registrar[] = [];
beforeAll(async () => {
  harness = await Harness.start();
});
afterEach(async () => {
  for (const registrar of registrars.splice(0)) await registrar.close();
});
afterAll(() => harness.close());

async function registrarOn(grantedSec = 300): Promise<Registrar> {
  const registrar = await Registrar.udp({ credentials: CREDENTIALS, grantedSec });
  registrars.push(registrar);
  return registrar;
}

const identity = { callId: 'register-1', fromTag: 'ours', cseq: 41 };
const requestTo = (port: number, change: Partial<RegisterRequest> = {}): RegisterRequest => ({
  uri: 'sip:carrier.example',
  nextHop: nextHopOf('127.0.0.1', '127.0.0.1', port, 'udp'),
  user: 'acme',
  domain: 'carrier.example',
  contactUser: 'token',
  contactParameters: '',
  instance: 'urn:uuid:00000000-0000-8000-8000-000000000000',
  outbound: false,
  expiresSec: 600,
  identity,
  credentials: CREDENTIALS,
  timeoutMs: 2_000,
  wanted: () => true,
  ...change,
});
const parts = {
  clock: systemClock,
  newCnonce: () => 'c0',
  send: (request: Parameters<typeof harness.signalling.send>[0]) => harness.signalling.send(request),
};

describe('signalling 3: REGISTER on the wire', () => {
  test('From, To, Contact with our address, Expires, Call-ID and CSeq; the digest comes with the next CSeq', async () => {
    const registrar = await registrarOn();
    expect(await register(requestTo(registrar.port), parts)).toEqual({
      kind: 'bound',
      grantedMs: 300_000,
      outbound: false,
      serviceRoute: [],
    });
    const [first, second] = registrar.registers();
    expect(first?.startLine).toBe('REGISTER sip:carrier.example SIP/2.0');
    expect(first?.header('From')).toBe('<sip:acme@carrier.example>;tag=ours');
    expect(first?.header('To')).toBe('<sip:acme@carrier.example>');
    expect(first?.header('Contact')).toMatch(
      /^<sip:token@127\.0\.0\.1:\d+>;\+sip\.instance="<urn:uuid:[0-9-]+>";expires=600$/,
    );
    expect(first?.header('Expires')).toBe('600');
    expect([first?.header('CSeq'), second?.header('CSeq')]).toEqual(['42 REGISTER', '43 REGISTER']);
    expect([first?.header('Call-ID'), second?.header('Call-ID')]).toEqual(['register-1', 'register-1']);
    expect(second?.header('Authorization')).toContain('username="acme"');
    expect(registrar.bindings.get('acme')?.contact).toBe(`sip:token@127.0.0.1:${harness.sipPort}`);
  });

  test('taken back with Expires 0', async () => {
    const registrar = await registrarOn();
    await register(requestTo(registrar.port), parts);
    expect(await register(requestTo(registrar.port, { expiresSec: 0 }), parts)).toEqual({ kind: 'gone' });
    expect(registrar.bindings.size).toBe(0);
  });

  test('nobody there: the registrar’s fault, in time', async () => {
    const outcome = await register(requestTo(9, { timeoutMs: 500 }), parts);
    expect(outcome).toMatchObject({ kind: 'failed', fault: 'registrar', unanswered: true });
  });
});
