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

/** How late timers of this process are, at worst: tells a slow machine from slow code. */
export function startLagProbe(): { stop(): number } {
  const everyMs = 2;
  let worstMs = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    worstMs = Math.max(worstMs, nowMs - lastMs - everyMs);
    lastMs = nowMs;
  }, everyMs);
  return {
    stop() {
      clearInterval(timer);
      return worstMs;
    },
  };
}
