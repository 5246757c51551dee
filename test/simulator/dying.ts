import { recover } from '../../src/metering/recovery.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type Image, simulatedStore, type StoreOfNode } from './simulated-store.ts';

const UNWATCHED = { before: () => undefined, after: () => undefined };

/** The store of a process that dies at its n-th operation, before it is done. */
export function dying(image: Image, dieAt: number): StoreOfNode {
  let operations = 0;
  return simulatedStore(image, 'steps', UNWATCHED, (_operation, apply) => {
    operations += 1;
    return operations < dieAt ? Promise.resolve(apply()) : new Promise(() => undefined);
  });
}

/** The meter's own recovery; answers what made it reject. */
export async function recoverUntil(image: Image, dieAt: number): Promise<unknown> {
  const { books, journal } = dying(image, dieAt);
  let failure: unknown = null;
  void recover({ books, journal, clock: new FakeClock() }).catch((error: unknown) => {
    failure = error;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return failure;
}
