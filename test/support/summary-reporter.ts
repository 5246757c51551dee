import type { Reporter, TestModule } from 'vitest/node';

/** At the end, says by name which tests did not run and what they lack (their suite's name says `needs …`), and what is still to do. */
class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = new Map<string, number>();
    const todo: string[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        if (test.options.mode === 'todo') todo.push(test.fullName);
        else {
          const suite = test.parent.type === 'suite' ? test.parent.fullName : test.fullName;
          skipped.set(suite, (skipped.get(suite) ?? 0) + 1);
        }
      }
    }
    if (skipped.size > 0) console.log('\nDid not run on this machine:');
    for (const [name, count] of skipped) console.log(`  ${count} in "${name}"`);
    if (todo.length > 0) console.log(`\nStill to be written (${todo.length}):`);
    for (const name of todo) console.log(`  ${name}`);
  }
}

// Vitest loads reporters by their default export.
export { SummaryReporter as default };
