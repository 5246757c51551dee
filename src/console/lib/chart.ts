// Geometry of the bar charts: scales and ticks. Values are counts, milliseconds or nano-units as numbers: good for pixels, not for bills.

/** Round steps (1, 2, 5 × 10ⁿ) from 0 up to and over the maximum. */
export function ticksOf(maximum: number, count = 4): number[] {
  if (!(maximum > 0)) return [0];
  const rough = maximum / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const ticks: number[] = [];
  for (let index = 0; (index - 1) * step < maximum; index += 1) ticks.push(rounded(index * step));
  return ticks;
}

export interface Bar {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface BarArea {
  readonly width: number;
  readonly height: number;
  /** Value at the top edge. */
  readonly top: number;
}

/** Columns side by side, a fifth of each slot left free, at most 28 px wide; what is not zero is at least one pixel high. */
export function barsOf(values: readonly number[], { width, height, top }: BarArea): Bar[] {
  const slot = values.length === 0 ? width : width / values.length;
  const barWidth = Math.min(28, slot * 0.8);
  return values.map((value, index) => {
    const share = top > 0 ? Math.max(0, value) / top : 0;
    const barHeight = value > 0 ? Math.max(1, share * height) : 0;
    return { x: index * slot + (slot - barWidth) / 2, y: height - barHeight, width: barWidth, height: barHeight };
  });
}

/** Every how many labels one is written, so that each has `room` px. */
export function labelStep(count: number, width: number, room: number): number {
  return Math.max(1, Math.ceil((count * room) / Math.max(1, width)));
}

function rounded(value: number): number {
  return Number(value.toPrecision(12));
}
