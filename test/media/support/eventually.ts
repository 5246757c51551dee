import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for real sockets and threads: polls until `condition` holds, and fails after `withinMs` with `what`. */
export async function eventually(what: string, condition: () => boolean, withinMs = 5000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`did not happen within ${withinMs} ms: ${what}`);
    await sleep(5);
  }
}

export async function eventuallyAsync(what: string, condition: () => Promise<boolean>, withinMs = 8000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`did not happen within ${withinMs} ms: ${what}`);
    await sleep(50);
  }
}

/** Calls `step` every `everyMs` on a schedule that does not drift, `count` times. */
export async function paced(count: number, everyMs: number, step: (index: number) => void): Promise<void> {
  const start = performance.now();
  for (let index = 0; index < count; index++) {
    const wait = start + index * everyMs - performance.now();
    if (wait > 0) await sleep(wait);
    step(index);
  }
}
