import { expect, test } from 'vitest';
import type { NewDialog } from '../../src/signalling/dialog-keeper.ts';
import { type Leg, type LegKept, LiveLegs } from '../../src/signalling/live-legs.ts';
import type { DialogFacts } from '../../src/signalling/orphans.ts';
import { FakeClock } from '../support/fake-clock.ts';

const DIALOG: NewDialog = {
  callId: 'c',
  localTag: 'l',
  remoteTag: 'r',
  local: '<sip:a@192.0.2.1>;tag=l',
  remote: '<sip:b@192.0.2.2>;tag=r',
  target: 'sip:b@192.0.2.2',
  routes: [],
  nextHop: null,
} as unknown as NewDialog;

function kept() {
  const written: string[] = [];
  const faults: unknown[] = [];
  const legs = new LiveLegs(
    {
      clock: new FakeClock(),
      log: {
        left: () => [],
        opened: ({ id }: DialogFacts) => void written.push(`opened ${id}`),
        closed: (id: string) => void written.push(`closed ${id}`),
      },
      send: () => new Promise(() => undefined),
      report: () => undefined,
    },
    (act) => {
      try {
        act();
      } catch (error) {
        faults.push(error);
      }
    },
  );
  const told: string[] = [];
  const add = (name: string, more: Partial<Leg> = {}, isBrowsers = false) => {
    let tells!: LegKept;
    const leg = legs.keep(
      (given) => {
        tells = given;
        return { lost: () => void told.push(name), ...more } satisfies Leg;
      },
      { isBrowsers },
    );
    return { leg, tells };
  };
  return { add, faults, legs, told, written };
}

test('a leg is kept until it is over, its dialog from its answer on', () => {
  const { add, legs, written } = kept();
  const { tells } = add('a');
  expect([legs.size, written]).toEqual([1, []]);
  tells.onDialog(DIALOG);
  expect(written).toEqual(['opened c|l']);
  tells.onOver();
  tells.onOver();
  expect([legs.size, written]).toEqual([0, ['opened c|l', 'closed c|l']]);
});

test('a browser’s dialog is written down nowhere: nobody could call it back', () => {
  const { add, written } = kept();
  const { tells } = add('a', {}, true);
  tells.onDialog(DIALOG);
  tells.onOver();
  expect(written).toEqual([]);
});

test('the engine is lost: each leg that lives is told once, whatever another does then, and its dialog stays written down', () => {
  const { add, faults, legs, told, written } = kept();
  add('over').tells.onOver();
  const failure = new Error('no');
  add('bad', {
    lost: () => {
      throw failure;
    },
  });
  const { tells } = add('good');
  tells.onDialog(DIALOG);
  legs.lost();
  legs.lost();
  tells.onOver();
  expect([told, faults, legs.size, written]).toEqual([['good'], [failure], 0, ['opened c|l']]);
});

test('an INVITE of ours is known again', () => {
  const { add, legs } = kept();
  add('inbound');
  add('outbound', { hasSent: (callId, fromTag) => callId === 'c' && fromTag === 't' });
  expect([legs.haveSent('c', 't'), legs.haveSent('c', undefined), legs.haveSent('d', 't')]).toEqual([
    true,
    false,
    false,
  ]);
});
