import { defineConfig } from 'vitest/config';

/** Real sockets and worker threads: one process per file, two at a time on a small machine. */
export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // What a poll waits for takes milliseconds, or seconds where the machine does other things as well. How soon something must come is asserted by itself.
    expect: { poll: { timeout: 5_000 } },
    reporters: ['default', './test/support/summary-reporter.ts'],
  },
});
