// The Prometheus text format (0.0.4), as far as a page shows figures of it. Pure.

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+\d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Lines that cannot be read are left out. */
export function readMetrics(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const match = line.startsWith('#') ? null : LINE.exec(line.trim());
    if (match === null) return [];
    const [, name = '', labels = '', value = ''] = match;
    return [{ name, labels: Object.fromEntries(labelsOf(labels)), value: Number(value) }];
  });
}

function* labelsOf(text: string): Generator<[string, string]> {
  for (const [, name = '', value = ''] of text.matchAll(LABEL)) yield [name, value.replaceAll(/\\(["\\])/g, '$1')];
}

/** Of all series of the name that have these labels; undefined where there is none. */
export function sumOfSeries(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const fitting = samples.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  return fitting.length === 0 ? undefined : fitting.reduce((sum, { value }) => sum + value, 0);
}

/** Mean of a histogram in seconds; undefined where nothing was observed. */
export function meanOf(samples: readonly Sample[], name: string): number | undefined {
  const count = sumOfSeries(samples, `${name}_count`) ?? 0;
  return count === 0 ? undefined : (sumOfSeries(samples, `${name}_sum`) ?? 0) / count;
}
