import Srf from 'drachtio-srf';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createRandom, type Random } from '../../src/phone/random.ts';
import { makeOffer } from '../../src/sdp/index.ts';
import type { InboundEvent, ModifyOutcome, OutboundEvent } from '../../src/signalling/leg.ts';
import { type RawMessage, type RawSipPeer, responseText } from '../support/raw-sip-peer.ts';
import { exceptReference } from './engine-under-test.ts';
import { answerTo, Callee, Harness, LOCAL, OFFER } from './harness.ts';

// Both sides do what they may, whenever they like, many calls at a time. However the messages cross: every leg ends once, tells nothing
// after its end, and leaves no dialog behind (leg.ts L1, L2).

const CALLS = 120;
const SEED = 3261;
const END_TYPES = new Set(['cancelled', 'unconfirmed', 'rejected', 'bye', 'lost']);

let harness: Harness;
let srf: LibraryTables;
const connect = vi.spyOn(Srf.prototype, 'connect');
beforeAll(async () => {
  // After glare it is our turn again at once.
  harness = await Harness.start({ random: () => 0 });
  srf = connect.mock.contexts[0] as unknown as LibraryTables;
});
afterAll(() => {
  clearInterval(answering);
  return harness.close();
});

interface LibraryTables {
  readonly _dialogs: Map<string, unknown>;
  readonly app: {
    readonly client: {
      readonly mapServer: Map<
        unknown,
        Record<
          'pendingRequests' | 'pendingSipRequests' | 'pendingNetworkInvites' | 'pendingAckOrPrack',
          Map<string, unknown>
        >
      >;
    };
  };
}

type LegEvent = InboundEvent | OutboundEvent;

describe('whatever crosses', () => {
  test('an inbound leg ends once', async () => {
    const random = createRandom(SEED);
    const ends = new Map<string, number>();
    await inParallel(CALLS, 12, async () => {
      const caller = await harness.caller();
      answerEverything(caller.peer, harness.sipPort, (message) => {
        if (message.status !== undefined && message.status >= 200 && message.header('CSeq').endsWith('INVITE')) {
          if (message.status === 200) caller.learn(message);
          caller.ack(message.status === 200 ? undefined : caller.branch, 1);
        }
      });
      caller.invite();
      const { leg, invite, events } = await harness.calls.take((call) => call.invite.sipCallId === caller.callId);
      let asked = false;
      await Promise.all([
        acts(random, [
          () => leg.ringing(),
          () => leg.answer(answerTo(invite.offer)).then(() => undefined),
          () => {
            asked = true;
            if (random.integer(3) === 0) leg.reject('busy');
            return leg.bye('api_hangup');
          },
        ]),
        acts(random, [
          () => {
            if (random.integer(3) === 0) caller.cancel();
          },
          () => caller.inDialog('UPDATE', { body: OFFER.replace('a=sendrecv', 'a=sendonly') }),
          () => {
            if (random.integer(2) === 0) caller.inDialog('BYE');
          },
        ]),
      ]);
      // Whoever has not hung up does so now.
      asked = true;
      await leg.bye('api_hangup');
      const end = oneEndAtMost(events.items, asked);
      ends.set(end, (ends.get(end) ?? 0) + 1);
    });
    await expect.poll(() => harness.openDialogs(), { timeout: 5_000 }).toBe(0);
    expect([...ends.values()].reduce((sum, count) => sum + count, 0)).toBe(CALLS);
    // The draw must have led to different ends, or nothing has crossed.
    expect(ends.size).toBeGreaterThan(1);
  });

  test('an outbound leg ends once', async () => {
    const random = createRandom(SEED);
    const ends = new Map<string, number>();
    await inParallel(CALLS, 12, async () => {
      const peer = await harness.peer();
      const { leg, events } = harness.place(peer);
      const invite = await peer.next('INVITE');
      const callee = new Callee(peer, harness.sipPort, invite);
      const outcome = random.integer(4) === 0 ? 486 : 200;
      let final = false;
      const finish = (status: number) => {
        if (final) return;
        final = true;
        callee.respond(status, status === 200 ? { body: answerTo(invite.body) } : {});
      };
      answerEverything(peer, harness.sipPort, (message) => {
        if (message.method === 'CANCEL') finish(487);
      });
      let asked = false;
      const isPatient = outcome === 200 && random.integer(3) === 0;
      await Promise.all([
        acts(random, [
          async () => {
            if (isPatient) await expect.poll(() => events.items.length, { interval: 1 }).toBeGreaterThan(1);
            else if (random.integer(2) === 0) leg.cancel('api_cancelled');
          },
          () => {
            asked = true;
            return leg.bye('api_hangup');
          },
        ]),
        acts(random, [
          () => callee.respond(180),
          () => finish(outcome),
          () => {
            if (random.integer(2) === 0 && outcome === 200) callee.inDialog('BYE');
          },
        ]),
      ]);
      finish(outcome);
      asked = true;
      await leg.bye('api_hangup');
      // A CANCEL is told when it has led to something; a BYE of ours is not told at all.
      const wasAnswered = () => events.items.some(({ type }) => type === 'answered');
      await expect.poll(() => isOver(events.items) || wasAnswered(), { timeout: 5_000 }).toBe(true);
      const end = oneEndAtMost(events.items, asked);
      ends.set(end, (ends.get(end) ?? 0) + 1);
    });
    await expect.poll(() => harness.openDialogs(), { timeout: 5_000 }).toBe(0);
    expect([...ends.values()].reduce((sum, count) => sum + count, 0)).toBe(CALLS);
    expect(ends.size).toBeGreaterThan(1);
  });

  exceptReference('23: it lets offers of both sides cross')(
    'signalling 14: offers of both sides are each answered, and every question of ours comes to an end',
    async () => {
      const random = createRandom(SEED);
      const outcomes = new Map<string, number>();
      const count = (what: string) => outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
      const said = ({ ok, ...rest }: ModifyOutcome) => `modify ${ok ? 'ok' : 'status' in rest ? rest.status : ''}`;
      await inParallel(CALLS, 12, async () => {
        const { caller, call, ok } = await harness.answered();
        const { leg, events } = call;
        // By CSeq: a slow peer gets a 200 twice.
        const openOffers = new Set<number>();
        const answerReoffers = setInterval(() => {
          for (const [index, event] of events.items.entries()) {
            if (event.type !== 'reoffer') continue;
            events.items.splice(index, 1);
            if (random.integer(4) === 0) event.refuse(488);
            else event.accept(event.offer === null ? makeOffer({ ...LOCAL, version: 9 }) : ok.body);
            break;
          }
        }, 1);
        answerEverything(caller.peer, harness.sipPort, (message) => {
          const { method, status = 0 } = message;
          const [number = '', of = ''] = message.header('CSeq').split(' ');
          if (method === 'INVITE') {
            const answer = [200, 200, 200, 488, 491, 500][random.integer(6)] ?? 200;
            const body = answer === 200 ? { body: OFFER } : {};
            caller.peer.send(responseText(caller.peer, message, answer, body), harness.sipPort);
          }
          if (status >= 200 && (of === 'INVITE' || of === 'UPDATE')) {
            if (openOffers.delete(Number(number))) count(`${of} ${status}`);
          }
          if (status >= 200 && of === 'INVITE') caller.ack(undefined, Number(number), OFFER);
        });
        let sequence = 1;
        const offered = (method: string, body: string | undefined) => {
          sequence += 1;
          openOffers.add(sequence);
          caller.inDialog(method, body === undefined ? {} : { body });
        };
        const changed = () => OFFER.replace('o=- 2 1 ', `o=- 2 ${2 + random.integer(1000)} `);
        const modified: Promise<unknown>[] = [];
        await Promise.all([
          acts(random, [
            () =>
              modified.push(leg.modify(makeOffer({ ...LOCAL, version: 2 })).then((outcome) => count(said(outcome)))),
            () => modified.push(leg.probe().then(count)),
            () =>
              modified.push(leg.modify(makeOffer({ ...LOCAL, version: 3 })).then((outcome) => count(said(outcome)))),
          ]),
          acts(random, [
            () => offered('INVITE', changed()),
            () => offered('UPDATE', random.integer(2) === 0 ? changed() : undefined),
            () => offered('INVITE', undefined),
          ]),
        ]);
        const endsEarly = random.integer(4) === 0;
        if (!endsEarly) await expect.poll(() => openOffers.size, { interval: 2 }).toBe(0);
        await leg.bye('api_hangup');
        await Promise.all(modified);
        clearInterval(answerReoffers);
        oneEndAtMost(events.items, true);
      });
      await expect.poll(() => harness.openDialogs(), { timeout: 5_000 }).toBe(0);
      for (const expected of ['INVITE 200', 'INVITE 491', 'UPDATE 200', 'modify ok', 'modify 488', 'alive']) {
        expect(outcomes.get(expected), `${expected} in ${JSON.stringify([...outcomes])}`).toBeGreaterThan(0);
      }
    },
  );

  test('the client library keeps nothing of calls that are over', async () => {
    const [tables] = [...srf.app.client.mapServer.values()];
    if (tables === undefined) throw new Error('the library has no connection');
    const sizes = () => ({
      dialogs: srf._dialogs.size,
      requests: tables.pendingRequests.size,
      sipRequests: tables.pendingSipRequests.size,
      invites: tables.pendingNetworkInvites.size,
      acks: tables.pendingAckOrPrack.size,
    });
    await expect
      .poll(sizes, { timeout: 5_000 })
      .toEqual({ dialogs: 0, requests: 0, sipRequests: 0, invites: 0, acks: 0 });
  });

  test('nothing has thrown on the way', () => {
    expect(harness.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

/** Runs the acts in order, each after up to 6 ms. */
async function acts(random: Random, list: readonly (() => unknown)[]): Promise<void> {
  for (const act of list) {
    await new Promise((resolve) => setTimeout(resolve, random.integer(7)));
    await act();
  }
}

function isOver(events: readonly LegEvent[]): boolean {
  return events.some(({ type }) => END_TYPES.has(type));
}

/** @returns the end's type, or that the leg was ended by us and told nothing. */
function oneEndAtMost(events: readonly LegEvent[], asked: boolean): string {
  const ends = events.filter(({ type }) => END_TYPES.has(type));
  expect(ends.length).toBeLessThanOrEqual(1);
  if (ends.length === 1) expect(events.at(-1)).toBe(ends[0]);
  else expect(asked).toBe(true);
  return ends[0]?.type ?? 'our own act';
}

interface Answering {
  readonly peer: RawSipPeer;
  readonly port: number;
  readonly see: (message: RawMessage) => void;
}
const peers: Answering[] = [];

/** Peers go on answering until the end: what is closed late must not wait for a timeout. */
const answering = setInterval(() => {
  for (const { peer, port, see } of peers) {
    for (const message of peer.received.splice(0)) {
      see(message);
      const { method } = message;
      if (method === undefined || method === 'ACK' || method === 'INVITE') continue;
      peer.send(responseText(peer, message, 200, { toTag: 'callee-tag' }), port);
    }
  }
}, 1);

/** The peer answers every request with 200 and shows all messages. */
function answerEverything(peer: RawSipPeer, port: number, see: (message: RawMessage) => void): void {
  peers.push({ peer, port, see });
}

async function inParallel(count: number, width: number, run: () => Promise<void>): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await run();
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
}
