import { expect, test } from 'vitest';
import { type PrintedDiagnosis, type PrintedStep, printDiagnosis } from '../src/diagnose-text.ts';

const step = (state: PrintedStep['state'], change: Partial<PrintedStep> = {}): PrintedStep => ({
  step: 'number_active',
  state,
  subject: null,
  seen: 'Seen.',
  advice: null,
  docsUrl: null,
  ...change,
});
const diagnosis = (steps: readonly PrintedStep[], change: Partial<PrintedDiagnosis> = {}): PrintedDiagnosis => ({
  workspaceId: 'demo',
  numberE164: null,
  trunkId: null,
  durationMs: 12,
  state: 'ok',
  steps,
  ...change,
});

test('a line per step, what to do below it, and a summary', () => {
  const steps = [
    step('ok', { docsUrl: 'docs/x.md' }),
    step('failed', { subject: 'a:5060', advice: 'Do it.', docsUrl: 'docs/trunks.md' }),
    step('warning', { advice: 'Look.' }),
    step('skipped'),
  ];
  expect(printDiagnosis(diagnosis(steps, { state: 'failed', numberE164: '+12025550100' }), false).split('\n')).toEqual([
    'Number +12025550100, workspace demo (12 ms)',
    'ok      number_active     Seen.',
    'FAILED  number_active     a:5060: Seen.',
    '                          -> Do it.',
    '                             docs/trunks.md',
    'look    number_active     Seen.',
    '                          -> Look.',
    '-       number_active     Seen.',
    '1 failed, 1 to look at',
  ]);
});

test.each([
  [{}, 'Workspace demo (12 ms)', 'nothing wrong was found'],
  [{ trunkId: 'trunk_a' }, 'Trunk trunk_a, workspace demo (12 ms)', 'nothing wrong was found'],
  [{ numberE164: '+1', workspaceId: null }, 'Number +1 (12 ms)', 'nothing wrong was found'],
])('%o is called %s', (change, title, summary) => {
  const lines = printDiagnosis(diagnosis([step('ok')], change), false).split('\n');
  expect([lines[0], lines.at(-1)]).toEqual([title, summary]);
});

test('colours are for terminals', () => {
  const steps = [step('failed', { advice: 'x' })];
  expect(printDiagnosis(diagnosis(steps, { state: 'failed' }), true)).toContain('\u001b[1;31mFAILED  \u001b[0m');
  expect(printDiagnosis(diagnosis(steps, { state: 'failed' }), false)).not.toContain('\u001b');
});

test('what customers and carriers have written does not steer the terminal', () => {
  const evil = 'x\u001b]0;owned\u0007\r\nok';
  const text = printDiagnosis(
    diagnosis([step('warning', { subject: evil, seen: evil, advice: evil, docsUrl: evil })]),
    false,
  );
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(text.split('\n')).toHaveLength(5);
});
