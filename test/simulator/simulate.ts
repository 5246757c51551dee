import { carrierFindings } from './carrier.ts';
import { crashEverywhere } from './crash.ts';
import { recoverUntil } from './dying.ts';
import { type FaultPlan, randomFaults } from './faults.ts';
import { judge } from './properties.ts';
import { CRASH_SIZE, FAULT_SIZE, FULL_SIZE, randomScript, SCARCE_SIZE } from './random-script.ts';
import { sceneOf } from './scene.ts';
import type { Script } from './script.ts';
import type { Mode } from './simulated-store.ts';
import type { Finding } from './watch.ts';
import { World } from './world.ts';

// One round: a script, the store's faults if any, and everything that is checked of it. A round follows from its seed alone.

export interface RoundOptions {
  /** Undefined: in steps where the seed is odd. */
  readonly mode?: Mode | undefined;
  /** After each operation of the store the process dies once. */
  readonly crash: boolean;
  /** The store fails; in steps only. */
  readonly faults: boolean;
}

export interface Round {
  readonly script: Script;
  readonly mode: Mode;
  readonly crash: boolean;
  readonly faults: FaultPlan | null;
}

export interface Difference extends Finding {
  readonly where: string;
}

export interface RoundResult {
  readonly crashPoints: number;
  readonly differences: readonly Difference[];
}

const LONG_AFTER_MS = 100 * 86_400_000;

export function roundOf(seed: number, { mode, crash, faults }: RoundOptions): Round {
  const chosen = mode ?? (seed % 2 === 0 ? 'together' : 'steps');
  if (!faults) return { script: randomScript(seed, crash ? CRASH_SIZE : FULL_SIZE), mode: chosen, crash, faults: null };
  const overtaking = seed % 3 === 0;
  const script = randomScript(seed, overtaking ? SCARCE_SIZE : FAULT_SIZE);
  const lastMs = Math.max(...script.steps.map(({ atMs }) => atMs));
  return { script, mode: 'steps', crash, faults: randomFaults(seed, lastMs, overtaking) };
}

/** What throws is a difference like any other. */
export async function play(round: Round): Promise<RoundResult> {
  try {
    return await played(round);
  } catch (error) {
    const what = `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    return { crashPoints: 0, differences: [{ property: 2, what, where: 'in the run itself' }] };
  }
}

async function played({ script, mode, crash, faults }: Round): Promise<RoundResult> {
  if (crash) {
    const { world, points, findings } = await crashEverywhere(script, { mode, faults });
    return { crashPoints: points, differences: [...findings, ...(await differencesOf(world))] };
  }
  const world = new World(script, { mode, faults });
  await world.play();
  return { crashPoints: 0, differences: await differencesOf(world) };
}

/** Of a world whose process lived. */
async function differencesOf(world: World): Promise<Difference[]> {
  const { image, clock } = world;
  const found: Finding[] = [...world.watch.found];
  if (world.faults !== null) {
    // A set-up that failed may have left its intent, which the next start closes; and a hold, which returns by itself.
    await recoverUntil(image, Number.POSITIVE_INFINITY);
    for (const id of image.books.workspaceIds) image.books.balance(id, clock.wallMs() + LONG_AFTER_MS);
  }
  const scene = sceneOf(world);
  found.push(...judge(scene));
  for (const [index, call] of scene.calls.entries()) {
    if (call.facts.unconfirmed || (world.script.seed + index) % 32 === 0)
      found.push(...(await carrierFindings(image, call, world.script.seed + index)));
  }
  return found.map((finding) => ({ ...finding, where: 'in the run itself' }));
}
