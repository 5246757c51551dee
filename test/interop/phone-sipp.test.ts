import { afterEach, describe, expect, test } from 'vitest';
import { createPhone, type Phone } from '../../src/phone/phone.ts';
import { HAS_SIPP, runSipp, startSipp } from './sipp/run.ts';

// sipp against the test phone: this is how the phone earns its trust.

const phones: Phone[] = [];
afterEach(async () => {
  await Promise.all(phones.splice(0).map((phone) => phone.close()));
});

async function phone(): Promise<Phone> {
  const made = await createPhone();
  phones.push(made);
  return made;
}

describe.skipIf(!HAS_SIPP)('the test phone with sipp (needs: sipp)', () => {
  test('sipp calls the phone', async () => {
    const called = await phone();
    called.onCall(async (call) => {
      call.ring();
      await call.answer();
    });
    const result = await runSipp({ scenario: 'uac', target: `127.0.0.1:${called.port}`, calls: 5, holdMs: 50 });
    expect(result).toMatchObject({ successful: 5, failed: 0, retransmissions: 0, exitCode: 0 });
    expect(called.incoming.map((call) => call.end?.how)).toEqual(Array(5).fill('bye'));
  });

  test('sipp gives up while the phone rings', async () => {
    const called = await phone();
    called.onCall((call) => call.ring());
    const result = await runSipp({ scenario: 'cancel.xml', target: `127.0.0.1:${called.port}` });
    expect(result).toMatchObject({ successful: 1, failed: 0 });
    expect(called.incoming[0]?.end).toMatchObject({ by: 'remote', how: 'cancel' });
  });

  test('the phone refuses with a reason', async () => {
    const called = await phone();
    called.onCall((call) => call.reject(404, [['Reason', 'SIP;cause=404;text="unknown_number"']]));
    const replace = { STATUS: '404', TEXT: 'unknown_number' };
    const result = await runSipp({ scenario: 'refused.xml', target: `127.0.0.1:${called.port}`, replace });
    expect(result).toMatchObject({ successful: 1, failed: 0 });
  });

  test('the phone calls sipp', async () => {
    const caller = await phone();
    const localPort = 15_000 + (process.pid % 500);
    const carrier = startSipp({ scenario: 'uas', localPort });
    const call = await caller.call(`sip:carrier@127.0.0.1:${localPort}`);
    await call.waitFor('answered');
    expect((await call.bye()).status).toBe(200);
    expect(await carrier.done).toMatchObject({ successful: 1, failed: 0 });
  });
});
