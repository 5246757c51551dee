import type { Bill } from '../../../src/domain/call.ts';
import type { CallIntent } from '../../../src/metering/meter.ts';
import type { Script } from './script.ts';
import type { Stage } from './stage.ts';

/** Plays one script on the stage's meter; resolves with the bill, or undefined where the end never resolved (the store had died). */
export async function play(stage: Stage, script: Script, over: Partial<CallIntent> = {}): Promise<Bill | undefined> {
  const startMs = stage.clock.monotonicMs();
  const outcome = await Promise.race([
    stage.meter.authorise(stage.intent({ class: script.class, counterRow: -1, ...over })),
    stage.idle().then(() => stage.idle()),
  ]);
  if (outcome === undefined) return undefined;
  if (!outcome.ok) throw new Error(`refused: ${outcome.reason}`);
  const { call } = outcome;
  let bill: Bill | undefined;
  for (const step of script.steps) {
    const waitMs = startMs + step.reportedAtMs - stage.clock.monotonicMs();
    if (waitMs > 0) await stage.clock.advanceAsync(waitMs);
    switch (step.kind) {
      case 'answered':
        void call.answered({ monotonicMs: stage.clock.monotonicMs(), wallMs: stage.clock.wallMs() });
        break;
      case 'on':
        call.agentAttached(startMs + step.atMs, step.agentId);
        break;
      case 'off':
        call.agentDetached(startMs + step.atMs, step.agentId);
        break;
      case 'wall':
        stage.clock.stepWall(step.stepMs);
        break;
      case 'end':
        void call
          .ended({
            atMs: startMs + script.proofAtMs,
            wallMs: stage.clock.wallMs(),
            reason: 'remote_hangup',
            evidence: 'bye',
          })
          .then((final) => {
            bill = final;
          });
    }
  }
  await stage.idle();
  return bill;
}
