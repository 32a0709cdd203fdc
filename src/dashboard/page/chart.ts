import { colour, onThemeChange } from './theme.ts';

/** A line of a chart. */
export interface Line {
  readonly label: string;
  /** Called at every drawing, so that colours follow the theme. */
  stroke(): string;
  /** CSS pixels. */
  readonly width?: number;
  readonly points?: boolean;
  /** Fills what is below it. */
  fill?(): string;
  /** Whether a value holds since the x before it. */
  readonly stepped?: boolean;
}

/** How a chart looks. */
export interface ChartOptions {
  /** What it shows, for those who do not see it. */
  readonly title: string;
  readonly lines: readonly Line[];
  /** A value as text. */
  format(value: number | null): string;
  /** A value beside the y axis; by default as all values. */
  formatTick?(value: number): string;
  /** Text of an x value; `1.2 s`. */
  formatX?(value: number): string;
  /** CSS pixels. Default 200. */
  readonly height?: number;
  /** Range of y; without it, that of the data, from 0. */
  readonly range?: readonly [number, number];
  /** Lines only: no axes, no legend. */
  readonly bare?: boolean;
  readonly legend?: boolean;
  /** Whether x counts epochs: whole numbers, from 0. */
  readonly whole?: boolean;
  /** Draws over the lines. */
  paint?(plot: uPlot): void;
}

const FONT = '12px system-ui, sans-serif';

/** Curves over a common x, drawn by uPlot at the width of their place. */
export class Chart {
  readonly host: HTMLElement;
  readonly #plot: uPlot;

  constructor(host: HTMLElement, options: ChartOptions) {
    this.host = host;
    host.setAttribute('role', 'img');
    host.setAttribute('aria-label', options.title);
    this.#plot = new uPlot(plotOptions(options), [[], ...options.lines.map(() => [])], host);
    const height = options.height ?? 200;
    new ResizeObserver(() => this.#plot.setSize({ width: host.clientWidth, height })).observe(host);
    onThemeChange(() => this.#plot.redraw(false, true));
  }

  /** Shows other values: x first, then a column for each line. */
  show(columns: readonly (readonly (number | null)[])[]): void {
    // uPlot keeps the arrays, and the columns go on.
    const plot = this.#plot;
    plot.setData(columns.map((column) => column.slice()) as uPlot.AlignedData);
    const unpointed = (plot.cursor.left ?? -1) < 0;
    if (unpointed && plot.data[0].length > 0) plot.setLegend({ idx: plot.data[0].length - 1 });
  }

  /** Says in words what it shows. */
  describe(text: string): void {
    if (this.host.getAttribute('aria-label') !== text) this.host.setAttribute('aria-label', text);
  }
}

function plotOptions(options: ChartOptions): uPlot.Options {
  const { lines, format, formatX = String, height = 200, range, bare = false, whole = false } = options;
  const { legend = !bare, formatTick = format, paint } = options;
  const axis: uPlot.Axis = {
    stroke: () => colour('quiet'),
    font: FONT,
    grid: { stroke: () => colour('faint'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: 300,
    height,
    ...(bare && { padding: [3, 0, 3, 0] as [number, number, number, number] }),
    legend: { show: legend, markers: { fill: (_, index) => lines[index - 1]!.stroke() } },
    cursor: { show: !bare, y: false, points: { size: 7 }, drag: { x: false, y: false } },
    select: { show: false, left: 0, top: 0, width: 0, height: 0 },
    scales: {
      x: { time: false, ...(whole && { range: wholeRange }) },
      y: { range: range === undefined ? fromZero : [range[0], range[1]] },
    },
    axes: [
      {
        ...axis,
        show: !bare,
        size: 28,
        grid: { show: false },
        values: (_, ticks) => ticks.map((tick) => (whole && tick % 1 !== 0 ? '' : formatX(tick))),
      },
      { ...axis, show: !bare, size: 58, values: (_, ticks) => ticks.map((tick) => formatTick(tick)) },
    ],
    series: [
      { label: 'x', value: (_, value: number | null) => (value === null ? '' : formatX(value)) },
      ...lines.map(({ label, stroke, fill, width = 1.5, stepped = false, points = false }) => ({
        label,
        stroke,
        width,
        ...(fill !== undefined && { fill }),
        ...(stepped && { paths: uPlot.paths.stepped!({ align: -1 }) }),
        spanGaps: true,
        points: { show: points, size: 5, fill: stroke },
        value: (_: uPlot, value: number | null) => format(value),
      })),
    ],
    ...(paint !== undefined && { hooks: { draw: [paint] } }),
  };
}

function fromZero(_: uPlot, low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  return [Math.min(0, low), high > 0 ? 1.08 * high : 1];
}

function wholeRange(_: uPlot, low: number | null, high: number | null): [number, number] {
  return [Math.floor(low ?? 0), Math.max(1, Math.ceil(high ?? 1))];
}
