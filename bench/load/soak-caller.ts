// Calls at a steady rate, most of them in order, some of them not: what carriers and networks do to an edge all day. Each call has a telephone of its
// own, so that nothing of one is left in another.
//
// Messages: `open` { port, callsPerSecond, abnormal, seconds, talkMs, seed } -> `down` { placed, answered, kinds }.

import { setTimeout as pause } from 'node:timers/promises';
import { createRandom } from '../../src/phone/random.ts';
import { createPhone, type Phone } from '../../src/phone/phone.ts';

export interface OpenSoak {
  readonly port: number;
  readonly callsPerSecond: number;
  /** Share of calls that do not go as they should, 0 to 1. */
  readonly abnormal: number;
  readonly seconds: number;
  readonly talkMs: number;
  readonly seed: number;
}

export interface SoakDone {
  readonly placed: number;
  readonly answered: number;
  /** Calls that should have been answered and were not. */
  readonly failed: number;
  /** How many there were of each kind. */
  readonly kinds: Readonly<Record<string, number>>;
}

interface Place {
  readonly phone: Phone;
  readonly uri: string;
  readonly from: string;
  readonly talkMs: number;
}

const ECHO = '+12025550100';
const UNASSIGNED = '+12025550102';
const NOBODY = '+12025550999';
const ANSWER_MS = 10_000;

/** What goes wrong, one after the other; all but the refused ones become calls that have to end by themselves. */
const ABNORMAL: Readonly<Record<string, (place: Place) => Promise<void>>> = {
  async 'ACK lost'({ phone, uri, from }) {
    const call = await phone.call(uri, { from, loseAck: true });
    await call.waitFor('answered', ANSWER_MS);
    call.vanish();
  },
  async 'BYE lost'({ phone, uri, from, talkMs }) {
    const call = await phone.call(uri, { from });
    await call.waitFor('answered', ANSWER_MS);
    await pause(talkMs / 2);
    call.vanish();
  },
  async 'CANCEL at once'({ phone, uri, from }) {
    const call = await phone.call(uri, { from });
    call.cancel();
    await call.waitFor('ended', ANSWER_MS);
  },
  async 'CANCEL crosses the 200'({ phone, uri, from }) {
    const call = await phone.call(uri, { from });
    await call.waitFor('ringing', ANSWER_MS);
    call.cancel();
    await call.waitFor('ended', ANSWER_MS);
  },
  async 'INVITE four times'({ phone, uri, from, talkMs }) {
    const call = await phone.call(uri, { from, retransmitInvite: 3 });
    await call.waitFor('answered', ANSWER_MS);
    await pause(talkMs / 2);
    await call.bye();
  },
  async 'unreadable description'({ phone, uri, from }) {
    const call = await phone.call(uri, { from, sdp: 'v=0\r\nm=rubbish\r\n' });
    await call.waitFor('ended', ANSWER_MS);
  },
  async 'unknown number'({ phone, uri, from }) {
    const call = await phone.call(uri.replace(ECHO, NOBODY), { from });
    await call.waitFor('ended', ANSWER_MS);
  },
  async 'number without an agent'({ phone, uri, from }) {
    const call = await phone.call(uri.replace(ECHO, UNASSIGNED), { from });
    await call.waitFor('ended', ANSWER_MS);
  },
  async 'hold, and BYE from there'({ phone, uri, from, talkMs }) {
    const call = await phone.call(uri, { from });
    await call.waitFor('answered', ANSWER_MS);
    await call.hold('inactive');
    await pause(talkMs / 2);
    await call.bye();
  },
  async 'two offers at once'({ phone, uri, from, talkMs }) {
    const call = await phone.call(uri, { from });
    await call.waitFor('answered', ANSWER_MS);
    await Promise.all([call.reinvite(), call.reinvite()]);
    await pause(talkMs / 2);
    await call.bye();
  },
  async 'offer without a description'({ phone, uri, from, talkMs }) {
    const call = await phone.call(uri, { from, sdp: null });
    await call.waitFor('answered', ANSWER_MS);
    await pause(talkMs / 2);
    await call.bye();
  },
  async 'BYE of no call'({ phone, uri }) {
    await phone.request('BYE', uri);
  },
};

process.on('message', (message: { type: string } & OpenSoak) => {
  if (message.type === 'open') void run(message).then((done) => process.send?.({ type: 'down', ...done }));
});

async function run({ port, callsPerSecond, abnormal, seconds, talkMs, seed }: OpenSoak): Promise<SoakDone> {
  const random = createRandom(seed);
  const names = Object.keys(ABNORMAL);
  const kinds: Record<string, number> = {};
  const open = new Set<Promise<void>>();
  let answered = 0;
  let failed = 0;
  let nextAbnormal = 0;
  const startedMs = performance.now();
  const placed = Math.round(seconds * callsPerSecond);
  for (let index = 0; index < placed; index++) {
    const waitMs = startedMs + (index * 1000) / callsPerSecond - performance.now();
    if (waitMs > 0) await pause(waitMs);
    const isAbnormal = random.integer(10_000) < abnormal * 10_000;
    const kind = isAbnormal ? (names[nextAbnormal++ % names.length] ?? '') : 'as it should be';
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    const call = place(
      { port, from: `+1202${String(5_560_000 + (index % 9_999))}`, talkMs },
      ABNORMAL[kind] ?? inOrder,
    ).then(
      () => {
        if (!isAbnormal) answered += 1;
      },
      (error: unknown) => {
        failed += 1;
        if (failed <= 20) process.stderr.write(`${kind}: ${String(error)}\n`);
      },
    );
    open.add(call);
    void call.finally(() => open.delete(call));
  }
  await Promise.all(open);
  return { placed, answered, failed, kinds };
}

async function place(
  { port, from, talkMs }: { port: number; from: string; talkMs: number },
  play: (place: Place) => Promise<void>,
): Promise<void> {
  const phone = await createPhone();
  try {
    await play({ phone, uri: `sip:${ECHO}@127.0.0.1:${port}`, from, talkMs });
  } finally {
    await phone.close();
  }
}

async function inOrder({ phone, uri, from, talkMs }: Place): Promise<void> {
  const call = await phone.call(uri, { from });
  await call.waitFor('answered', ANSWER_MS);
  await pause(talkMs);
  const answer = await call.bye();
  if (answer.status !== 200) throw new Error(`BYE was answered ${answer.status}`);
}
