import type { CameraData } from './camera-data.ts';
import { Chart, type Line } from './chart.ts';
import { card, element } from './element.ts';
import { percent, percentTick } from './format.ts';
import { blended, colour, seriesColour } from './theme.ts';

/** Classes that are drawn: those that were most probable lately. */
const MOST_CLASSES = 10;
const BAND_HEIGHT = 10;
/** Of a class's colour in what is drawn of it: the decisions above stand out. */
const SHARE = 0.62;

/** Probabilities of the classes over time, one on the other, and above them what was decided, in the class's colour. */
export class PredictionView {
  readonly element: HTMLElement;
  readonly #host = element('div', { class: 'chart' });
  #chart: Chart | undefined;
  #classes: readonly number[] = [];
  #data: CameraData | undefined;

  constructor() {
    this.element = card('Predictions over time', 'predictions', this.#host);
  }

  show(data: CameraData): void {
    const classes = this.#data === data ? this.#classesOf(data) : leading(data);
    this.#data = data;
    if (this.#chart === undefined || classes !== this.#classes) this.#rebuild(data, classes);
    const { data: columns, length } = data.probabilities;
    this.#chart!.show([columns[0]!, ...stacked(classes.map((index) => columns[index + 1]!))]);
    const { lastPrediction } = data;
    if (lastPrediction === undefined) return;
    const { classIndex, probabilities } = lastPrediction;
    const [from, to] = [columns[0]![0]!, columns[0]!.at(-1)!];
    this.#chart!.describe(
      `Probabilities of ${classes.length} classes in ${length} windows from ${from.toFixed(2)} to ${to.toFixed(2)} s; ` +
        `now ${data.head.classNames[classIndex]} with ${percent(probabilities[classIndex])}`,
    );
  }

  /** The lines stay as they are while the most probable class is among them. */
  #classesOf(data: CameraData): readonly number[] {
    const now = data.lastPrediction?.classIndex;
    return now === undefined || this.#classes.includes(now) ? this.#classes : leading(data, now);
  }

  #rebuild({ head }: CameraData, classes: readonly number[]): void {
    this.#classes = classes;
    this.#host.replaceChildren();
    const lines = classes.map(
      (index): Line => ({
        label: head.classNames[index]!,
        stroke: () => 'transparent',
        fill: () => blended(seriesColour(index), colour('paper'), SHARE),
        width: 0,
        stepped: true,
      }),
    );
    this.#chart = new Chart(this.#host, {
      title: 'Probabilities over time',
      lines: lines.reverse(), // the first class is drawn last, over the sums of all
      format: percent,
      formatTick: percentTick,
      formatX: seconds,
      range: [0, 1.12],
      height: 246,
      legend: false,
      paint: (plot) => this.#paintBand(plot),
    });
  }

  #paintBand(plot: uPlot): void {
    const times = plot.data[0];
    const decisions = this.#data?.decisions.data[0] ?? [];
    const { ctx, bbox } = plot;
    const height = BAND_HEIGHT * devicePixelRatio;
    ctx.save();
    for (let start = 0; start < times.length; ) {
      let end = start + 1;
      while (end < times.length && decisions[end] === decisions[start]) end++;
      const decision = decisions[start];
      if (decision !== null && decision !== undefined) {
        const from = plot.valToPos(times[start]!, 'x', true);
        const to = plot.valToPos(times[Math.min(end, times.length - 1)]!, 'x', true);
        ctx.fillStyle = seriesColour(decision);
        ctx.fillRect(from, bbox.top, Math.max(1, to - from), height);
      }
      start = end;
    }
    ctx.restore();
  }
}

/** Sums of columns: all of them first, then all but the last, until the first alone. */
function stacked(columns: readonly (readonly (number | null)[])[]): number[][] {
  const sums: number[][] = [];
  for (const column of columns) {
    const below = sums[0];
    sums.unshift(column.map((value, row) => (value ?? 0) + (below?.[row] ?? 0)));
  }
  return sums;
}

/** A time on the x axis. */
export function seconds(value: number): string {
  return `${Number(value.toFixed(3))} s`;
}

/** The classes with the highest mean probability, and one that is among them in any case, in their order. */
function leading({ head, probabilities }: CameraData, always?: number): readonly number[] {
  const sums = head.classNames.map((_, index) => {
    const column = probabilities.data[index + 1]!;
    if (index === always) return { index, sum: Number.POSITIVE_INFINITY };
    return { index, sum: column.reduce<number>((total, value) => total + (value ?? 0), 0) };
  });
  return sums
    .sort((a, b) => b.sum - a.sum)
    .slice(0, MOST_CLASSES)
    .map(({ index }) => index)
    .sort((a, b) => a - b);
}
