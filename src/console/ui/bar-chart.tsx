// Columns over days: amounts. The drawing is for eyes; a table of the same figures is for readers, and each column says its own when focused or hovered.

import { useLayoutEffect, useRef, useState } from 'react';
import { barsOf, labelStep, ticksOf } from '../lib/chart.ts';
import { decimalOf, formatMoney } from '../lib/money.ts';

export interface ChartBar {
  readonly label: string;
  /** Nano-units, for the height. */
  readonly value: number;
  readonly text: string;
  readonly amount: string;
}

interface BarChartProps {
  readonly title: string;
  readonly bars: readonly ChartBar[];
  readonly currency: string;
}

const HEIGHT = 208;
const AXIS_WIDTH = 64;
const LABEL_HEIGHT = 22;
const LABEL_ROOM = 26;

export function BarChart({ title, bars, currency }: BarChartProps) {
  const figure = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(640);
  const [pointed, setPointed] = useState<number | null>(null);
  useLayoutEffect(() => {
    const element = figure.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(Math.max(240, element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const plotHeight = HEIGHT - LABEL_HEIGHT;
  const plotWidth = width - AXIS_WIDTH;
  const ticks = ticksOf(Math.max(...bars.map(({ value }) => value), 0), 3);
  const top = ticks.at(-1) ?? 0;
  const drawn = barsOf(
    bars.map(({ value }) => value),
    { width: plotWidth, height: plotHeight, top },
  );
  const step = labelStep(bars.length, plotWidth, LABEL_ROOM);
  const slot = bars.length === 0 ? 0 : plotWidth / bars.length;
  const shown = pointed === null ? undefined : bars[pointed];

  return (
    <figure ref={figure}>
      <figcaption className="spread small soft">
        <span>{title}</span>
        <span className="num" aria-live="off">
          {shown === undefined ? '' : `${shown.text}, ${formatMoney(shown.amount, currency)}`}
        </span>
      </figcaption>
      <svg
        className="chart"
        viewBox={`0 0 ${width} ${HEIGHT + 8}`}
        aria-hidden="true"
        onPointerLeave={() => setPointed(null)}
      >
        {ticks.map((tick) => {
          const y = 8 + (top === 0 ? plotHeight : plotHeight * (1 - tick / top));
          return (
            <g key={tick}>
              <line className="grid" x1={AXIS_WIDTH} x2={width} y1={y} y2={y} />
              <text className="axis" x={AXIS_WIDTH - 8} y={y + 4} textAnchor="end">
                {formatMoney(decimalOf(BigInt(Math.round(tick))), currency)}
              </text>
            </g>
          );
        })}
        {drawn.map((bar, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a day is its place in the month.
          <g className="slot" key={index} onPointerEnter={() => setPointed(index)}>
            <rect className="hit" x={AXIS_WIDTH + index * slot} y={8} width={slot} height={plotHeight} />
            <rect className="bar" x={AXIS_WIDTH + bar.x} y={8 + bar.y} width={bar.width} height={bar.height} rx={2} />
            {index % step === 0 && (
              <text className="axis" x={AXIS_WIDTH + (index + 0.5) * slot} y={HEIGHT + 4} textAnchor="middle">
                {bars[index]?.label}
              </text>
            )}
          </g>
        ))}
      </svg>
      <table className="visually-hidden">
        <caption>{title}</caption>
        <tbody>
          {bars.map((bar) => (
            <tr key={bar.text}>
              <th scope="row">{bar.text}</th>
              <td>{formatMoney(bar.amount, currency)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
