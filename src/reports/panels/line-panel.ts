import * as Plot from '@observablehq/plot';
import { palette } from '../palette.ts';
import { type LegendEntry, type Panel, panel } from './panel.ts';

/** A line of a plot. */
export interface Line {
  /** Stands in the legend; lines of one label and style share an entry, a line without label has none. */
  readonly label?: string | undefined;
  readonly colour: string;
  readonly dash?: string | undefined;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A line across the plot at one value of y. */
export interface Level {
  readonly label: string;
  readonly value: number;
  readonly colour: string;
  readonly dash: string;
}

/** A plot of lines. */
export interface LinePanelOptions {
  readonly title: string;
  readonly subtitle?: string | undefined;
  readonly width: number;
  readonly height: number;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly Line[];
  /** Behind the lines. */
  readonly levels?: readonly Level[];
  /** True where x counts: its ticks are whole numbers. */
  readonly counted?: boolean;
  /** Entries of the legend in place of those of the lines. */
  readonly legend?: readonly LegendEntry[];
  /** Whether 0 belongs to the axis whatever the values. */
  readonly fromZero?: boolean;
}

/** Points are marked on lines that have no more than these. */
const MARKED_POINTS = 30;

/** Lines over x. */
export function linePanel({ title, subtitle, width, height, lines, ...options }: LinePanelOptions): Panel {
  const { x, y, levels = [], counted = false, fromZero = false } = options;
  const xs = lines.flatMap(({ points }) => points.map(([value]) => value));
  const [first, last] = [Math.min(...xs), Math.max(...xs)];
  const single = first === last;
  return panel({
    title,
    subtitle,
    legend: options.legend ?? legendOf(lines),
    width,
    plotHeight: height,
    plot: {
      marginLeft: 56,
      marginRight: 12,
      marginTop: 24,
      marginBottom: 38,
      x: {
        label: x,
        labelArrow: 'none',
        // One point stands in the middle.
        domain: single ? [first - 1, last + 1] : [first, last],
        ...(counted && { ticks: wholeTicks(first, last), tickFormat: (value: number) => String(value) }),
      },
      y: { label: y, labelArrow: 'none', nice: true, ticks: 6, zero: fromZero },
      marks: [
        Plot.gridY({ stroke: palette.faint, strokeOpacity: 1, ticks: 6 }),
        ...levels.map(({ value, colour, dash }) =>
          Plot.ruleY([value], { stroke: colour, strokeWidth: 1.5, strokeDasharray: dash }),
        ),
        ...lines.flatMap(({ colour, dash, points }) => {
          const at = {
            x: (point: readonly [number, number]) => point[0],
            y: (point: readonly [number, number]) => point[1],
          };
          const line = Plot.line(points, {
            ...at,
            stroke: colour,
            strokeWidth: 2,
            ...(dash && { strokeDasharray: dash }),
          });
          return points.length > MARKED_POINTS
            ? [line]
            : [line, Plot.dot(points, { ...at, fill: colour, r: 2.5 })];
        }),
      ],
    },
  });
}

function legendOf(lines: readonly Line[]): LegendEntry[] {
  const entries = new Map<string, LegendEntry>();
  for (const { label, colour, dash } of lines) {
    if (label !== undefined) entries.set(`${label}/${colour}/${dash}`, { label, colour, dash });
  }
  return entries.size === 1 ? [] : [...entries.values()];
}

/** At most ten whole numbers from first to last, evenly spaced. */
function wholeTicks(first: number, last: number): number[] {
  const steps = [1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000];
  const step = steps.find((candidate) => (last - first) / candidate <= 9) ?? Math.ceil((last - first) / 9);
  const ticks: number[] = [];
  for (let tick = Math.ceil(first / step) * step; tick <= last; tick += step) ticks.push(tick);
  return ticks[0] === first ? ticks : [first, ...ticks.filter((tick) => tick - first >= step / 2)];
}
