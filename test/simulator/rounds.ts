import { explain } from './shrink.ts';
import { play, type RoundOptions, roundOf } from './simulate.ts';

/** Plays so many rounds; throws at the first difference, with its seed and the smallest script that shows it. */
export async function playAll(
  firstSeed: number,
  rounds: number,
  options: RoundOptions,
): Promise<{ crashPoints: number }> {
  let crashPoints = 0;
  for (let seed = firstSeed; seed < firstSeed + rounds; seed += 1) {
    const round = roundOf(seed, options);
    const result = await play(round);
    crashPoints += result.crashPoints;
    const [first] = result.differences;
    if (first !== undefined) throw new Error(await explain(round, first));
  }
  return { crashPoints };
}
