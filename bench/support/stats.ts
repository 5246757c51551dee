// Percentiles of samples that were all kept: no buckets, no rounding.

export class Samples {
  #values: Float64Array;
  #count = 0;

  constructor(capacity = 1 << 16) {
    this.#values = new Float64Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float64Array(this.#values.length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#count++] = value;
  }

  /** Values at the given ranks in [0, 1]; NaN where nothing was added. */
  percentiles(ranks: readonly number[]): number[] {
    const sorted = this.#values.slice(0, this.#count).sort();
    return ranks.map((rank) => sorted[Math.min(this.#count - 1, Math.floor(rank * this.#count))] ?? Number.NaN);
  }

  summary(): Percentiles {
    const [p50 = Number.NaN, p99 = Number.NaN, p999 = Number.NaN, max = Number.NaN] = this.percentiles([
      0.5, 0.99, 0.999, 1,
    ]);
    return { p50, p99, p999, max };
  }
}

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}
