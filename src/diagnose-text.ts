// A diagnosis for people at a terminal: a line per step, what to do about it below.

export interface PrintedDiagnosis {
  readonly workspaceId: string | null;
  readonly numberE164: string | null;
  readonly trunkId: string | null;
  readonly durationMs: number;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly steps: readonly PrintedStep[];
}

export interface PrintedStep {
  readonly step: string;
  readonly state: 'ok' | 'failed' | 'warning' | 'skipped';
  readonly subject: string | null;
  readonly seen: string;
  readonly advice: string | null;
  readonly docsUrl: string | null;
}

const WORDS = { ok: 'ok', failed: 'FAILED', warning: 'look', skipped: '-' } as const;
/** SGR codes: green, bold red, yellow, grey. */
const COLOURS = { ok: '32', failed: '1;31', warning: '33', skipped: '90' } as const;
const WORD_WIDTH = 8;
const STEP_WIDTH = 18;

export function printDiagnosis(diagnosis: PrintedDiagnosis, isColoured: boolean): string {
  const paint = (text: string, state: keyof typeof COLOURS): string =>
    isColoured ? `\u001b[${COLOURS[state]}m${text}\u001b[0m` : text;
  const rows = diagnosis.steps.map((step) => {
    const word = paint(WORDS[step.state].padEnd(WORD_WIDTH), step.state);
    const subject = step.subject === null ? '' : `${step.subject}: `;
    const indent = ' '.repeat(WORD_WIDTH + STEP_WIDTH);
    const advice = step.advice === null ? '' : `\n${indent}-> ${clean(step.advice)}`;
    const docs = step.docsUrl === null || step.state === 'ok' ? '' : `\n${indent}   ${clean(step.docsUrl)}`;
    return `${word}${step.step.padEnd(STEP_WIDTH)}${clean(`${subject}${step.seen}`)}${advice}${docs}`;
  });
  return [
    `${titleOf(diagnosis)} (${diagnosis.durationMs} ms)`,
    ...rows,
    paint(summaryOf(diagnosis), diagnosis.state),
  ].join('\n');
}

function titleOf({ workspaceId, numberE164, trunkId }: PrintedDiagnosis): string {
  const where = workspaceId === null ? '' : `, workspace ${workspaceId}`;
  if (numberE164 !== null) return `Number ${numberE164}${where}`;
  return trunkId === null ? `Workspace ${workspaceId ?? ''}` : `Trunk ${trunkId}${where}`;
}

function summaryOf({ steps }: PrintedDiagnosis): string {
  const count = (state: PrintedStep['state']): number => steps.filter((step) => step.state === state).length;
  const failed = count('failed');
  const warnings = count('warning');
  if (failed > 0) return `${failed} failed, ${warnings} to look at`;
  return warnings > 0 ? `nothing failed, ${warnings} to look at` : 'nothing wrong was found';
}

/** Names come from customers, answers from carriers: nothing of it may steer the terminal. */
function clean(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}
