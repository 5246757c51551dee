import { describe, expect, test } from 'vitest';
import { createEventHub, type PublishedEvent } from '../../src/observability/event-hub.ts';

const event = (nth: number) => ({ name: 'call', workspaceId: 'ws_a', data: { nth } }) as const;

describe('the event hub', () => {
  test('tells all who listen, in order, until they stop', () => {
    const hub = createEventHub({ epoch: 'e' });
    const seen: [string, string | null, string][] = [];
    const stop = hub.listen((each) => void seen.push([each.name, each.id, each.text]), null);
    hub.publish(event(1));
    hub.publish({ name: 'balance', workspaceId: null, data: {} });
    stop();
    hub.publish(event(3));
    expect(seen).toEqual([
      ['call', 'e-1', '{"nth":1}'],
      ['balance', 'e-2', '{}'],
    ]);
    expect([hub.lastId, hub.listeners]).toEqual(['e-3', 0]);
  });

  test('a listener that fails is told of and no longer called; the others and the publisher do not notice', () => {
    const faults: unknown[] = [];
    const hub = createEventHub({ epoch: 'e', onFault: (error) => void faults.push(error) });
    let heard = 0;
    hub.listen(() => {
      throw new Error('broken');
    }, null);
    hub.listen(() => {
      heard += 1;
    }, null);
    hub.publish(event(1));
    hub.publish(event(2));
    expect([heard, faults.length]).toEqual([2, 1]);
  });

  test('an event is made into text when somebody reads it, and once', () => {
    let made = 0;
    const data = {
      toJSON() {
        made += 1;
        return 'x';
      },
    };
    const hub = createEventHub({ epoch: 'e' });
    hub.publish({ name: 'call', workspaceId: null, data });
    expect(made).toBe(0);
    const seen: PublishedEvent[] = [];
    hub.listen((each) => void seen.push(each), null);
    hub.listen((each) => void seen.push(each), null);
    hub.publish({ name: 'call', workspaceId: null, data });
    expect([seen.map((each) => each.text), made]).toEqual([['"x"', '"x"'], 1]);
  });

  test('gives what came after an id, and null where that is not known any more', () => {
    const hub = createEventHub({ epoch: 'e', keptMax: 3 });
    expect(hub.since('e-0')).toEqual([]);
    for (let nth = 1; nth <= 5; nth += 1) hub.publish(event(nth));
    const missedSince = (id: string) =>
      hub.since(id)?.map(({ text }) => (JSON.parse(text) as { nth: number }).nth) ?? null;
    expect(missedSince('e-5')).toEqual([]);
    expect(missedSince('e-3')).toEqual([4, 5]);
    expect(missedSince('e-2')).toEqual([3, 4, 5]);
    expect(missedSince('e-1')).toBeNull();
    for (const id of ['e-6', 'f-4', '4', 'e-', 'e-x', '', `e-${'9'.repeat(30)}`]) expect(missedSince(id)).toBeNull();
  });

  test('transient events have no id and are not kept', () => {
    const hub = createEventHub({ epoch: 'e' });
    const ids: (string | null)[] = [];
    hub.listen(({ id }) => void ids.push(id), null);
    hub.publish({ ...event(1), transient: true });
    hub.publish(event(2));
    expect([ids, hub.since('e-0')?.length]).toEqual([[null, 'e-1'], 1]);
  });

  test('knows which workspaces are watched by name', () => {
    const hub = createEventHub({ epoch: 'e' });
    const stop = hub.listen(() => undefined, 'ws_a');
    hub.listen(() => undefined, 'ws_b');
    hub.listen(() => undefined, null);
    stop();
    expect([...hub.watched()]).toEqual(['ws_b']);
  });
});
