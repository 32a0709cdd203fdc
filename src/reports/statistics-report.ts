import * as Plot from '@observablehq/plot';
import sharp from 'sharp';
import type { SensorSize } from '../events.ts';
import { duration, grouped, percent, scaled } from './numbers.ts';
import { palette, seriesColour } from './palette.ts';
import { linePanel } from './panels/line-panel.ts';
import { type Panel, panel } from './panels/panel.ts';
import { gallerySvg } from './report-svg.ts';
import { description } from './table.ts';
import { textPlot } from './text-plot.ts';

/** What the events of a recording amount to, as reports draw it. */
export interface StatisticsReport {
  readonly title: string;
  readonly sensor: SensorSize;
  readonly events: number;
  readonly on: number;
  readonly outside: number;
  readonly durationMicros: number;
  readonly rate: {
    readonly startMicros: number;
    readonly binMicros: number;
    readonly off: readonly number[];
    readonly on: readonly number[];
  };
  /** Events of each pixel, [height, width]. */
  readonly pixels: Float64Array;
  readonly intervals: {
    readonly edges: readonly number[];
    readonly counts: readonly number[];
    readonly medianMicros: number | undefined;
  };
}

/** A pixel with its events. */
export interface BusyPixel {
  readonly x: number;
  readonly y: number;
  readonly events: number;
}

/** The pixels with most events, the busiest first. */
export function busiestPixels(
  { pixels, sensor: { width } }: Pick<StatisticsReport, 'pixels' | 'sensor'>,
  most: number,
): BusyPixel[] {
  const found: BusyPixel[] = [];
  for (let i = 0; i < pixels.length; i++) {
    const events = pixels[i]!;
    if (events === 0 || (found.length === most && events <= found.at(-1)!.events)) continue;
    const place = found.findIndex((pixel) => pixel.events < events);
    found.splice(place < 0 ? found.length : place, 0, { x: i % width, y: Math.floor(i / width), events });
    if (found.length > most) found.pop();
  }
  return found;
}

/** Events a second of each bin but an incomplete last one; of the only one, over the recording's duration. */
export function ratesOf({
  rate,
  durationMicros,
}: Pick<StatisticsReport, 'rate' | 'durationMicros'>): number[] {
  const events = rate.off.map((off, k) => off + rate.on[k]!);
  if (events.length < 2) return events.map((count) => (count * 1e6) / Math.max(durationMicros, 1));
  return events.slice(0, -1).map((count) => (count * 1e6) / rate.binMicros);
}

/** Rate, pixels and intervals for a terminal. */
export function statisticsText(report: StatisticsReport): string {
  const { title, sensor, events, on, outside, durationMicros, rate, pixels, intervals } = report;
  if (events === 0) return `${title}\n${description([['events', '0']])}`;
  const rates = ratesOf(report);
  const active = pixels.reduce((count, each) => count + (each > 0 ? 1 : 0), 0);
  const busiest = busiestPixels(report, 5).map(({ x, y, events }) => `(${x}, ${y}) ${grouped(events)}`);
  const entries: [string, string][] = [
    ['sensor', `${sensor.width} x ${sensor.height}`],
    ['events', `${grouped(events)}, ${percent(on / events)} on`],
    ['duration', `${(durationMicros / 1e6).toFixed(6)} s`],
    [
      'rate',
      `${perSecond((events * 1e6) / Math.max(durationMicros, 1))} on average, ${perSecond(Math.max(...rates))} at most`,
    ],
    ['pixels', `${grouped(active)} with events, ${percent(active / pixels.length)}`],
    ['busiest', busiest.join(', ')],
    [
      'interval',
      intervals.medianMicros === undefined
        ? 'none'
        : `${micros(intervals.medianMicros)} median between two events of a pixel`,
    ],
    ...(outside > 0 ? [['note', `${grouped(outside)} events outside the sensor`] as [string, string]] : []),
  ];
  const size = { width: 64, height: 6 };
  const over = `${(rate.startMicros / 1e6).toFixed(3)} s to ${((rate.startMicros + durationMicros) / 1e6).toFixed(3)} s`;
  const { edges, counts } = intervals;
  const plots = [
    ...(rates.length > 1
      ? ['', `  events a second, ${over}`, ...textPlot(peaks(rates, 2 * size.width), size)]
      : []),
    ...(counts.length > 1
      ? [
          '',
          `  intervals, ${micros(edges[0]!)} to ${micros(edges.at(-1)!)}, logarithmic`,
          ...textPlot(counts, size),
        ]
      : []),
  ];
  return `${title}\n${description(entries)}${plots.map((line) => `${line}\n`).join('')}`;
}

const SIZE = { width: 460, height: 260 };

/** The same as one picture: three panels. */
export async function statisticsSvg(report: StatisticsReport): Promise<string> {
  const panels = [ratePanel(report), await pixelPanel(report), intervalPanel(report)];
  return gallerySvg(report.title, panels, 2);
}

function ratePanel({ rate, durationMicros }: StatisticsReport): Panel {
  const { binMicros, off, on } = rate;
  // The last bin is rarely whole.
  const whole = Math.max(1, off.length - 1);
  const span = off.length > 1 ? binMicros : Math.max(durationMicros, 1);
  const most = Math.max(...off, ...on) / span;
  const [unit, words] = most >= 1 ? [1e6, 'million '] : most >= 1e-3 ? [1e3, 'thousand '] : [1, ''];
  const line = (counts: readonly number[]): [number, number][] =>
    counts.slice(0, whole).map((count, k) => [((k + 0.5) * binMicros) / 1e6, (count * 1e6) / span / unit]);
  return linePanel({
    title: 'Event rate',
    subtitle: `bins of ${micros(binMicros)}`,
    ...SIZE,
    x: 'seconds after the first event',
    y: `${words}events a second`,
    fromZero: true,
    lines: [
      { label: 'on', colour: seriesColour(0), points: line(on) },
      { label: 'off', colour: seriesColour(1), dash: '5 3', points: line(off) },
    ],
  });
}

function intervalPanel({ intervals: { edges, counts, medianMicros } }: StatisticsReport): Panel {
  // A logarithmic axis has no 0: what is shorter than 1 µs stands in the first class.
  const classes = edges.map((edge, k) => ({
    from: Math.max(edge, 0.5),
    to: edges[k + 1] ?? edge * 1.25 + 1,
    count: counts[k]!,
  }));
  return panel({
    title: 'Intervals between events of a pixel',
    subtitle: medianMicros === undefined ? 'no pixel had two events' : `median ${micros(medianMicros)}`,
    width: SIZE.width,
    plotHeight: SIZE.height,
    plot: {
      marginLeft: 56,
      marginRight: 12,
      marginTop: 24,
      marginBottom: 38,
      x: { type: 'log', label: 'microseconds', labelArrow: 'none', tickFormat: '~s', ticks: 6 },
      y: { label: 'events', labelArrow: 'none', nice: true, ticks: 6, tickFormat: '~s' },
      marks: [
        Plot.gridY({ stroke: palette.faint, strokeOpacity: 1, ticks: 6 }),
        Plot.rect(classes, { x1: 'from', x2: 'to', y1: 0, y2: 'count', fill: seriesColour(0) }),
        Plot.ruleY([0], { stroke: palette.faint }),
      ],
    },
  });
}

const MARGINS = { marginLeft: 40, marginRight: 12, marginTop: 12, marginBottom: 38 };

async function pixelPanel(report: StatisticsReport): Promise<Panel> {
  const { sensor, pixels } = report;
  const { width, height } = sensor;
  const inner = { width: SIZE.width - MARGINS.marginLeft - MARGINS.marginRight, height: 0 };
  inner.height = Math.min(2 * inner.width, Math.max(20, Math.round((inner.width * height) / width)));
  const [busiest] = busiestPixels(report, 1);
  return panel({
    title: 'Events of each pixel',
    subtitle:
      busiest === undefined
        ? 'none'
        : `most ${grouped(busiest.events)} at (${busiest.x}, ${busiest.y}), logarithmic`,
    width: SIZE.width,
    plotHeight: inner.height + MARGINS.marginTop + MARGINS.marginBottom,
    plot: {
      ...MARGINS,
      x: { domain: [0, width], label: 'x', labelArrow: 'none', ticks: 6 },
      y: { domain: [height, 0], label: 'y', labelArrow: 'none', ticks: 6 },
      marks: [
        Plot.image([0], {
          x: width / 2,
          y: height / 2,
          src: await heatPicture(pixels, sensor, busiest?.events ?? 1),
          ...{ width: inner.width, height: inner.height },
          preserveAspectRatio: 'none',
          imageRendering: 'pixelated',
        }),
        Plot.frame({ stroke: palette.faint }),
      ],
    },
  });
}

/** Longer side of a picture of pixels: larger sensors are drawn smaller. */
const PICTURE_PIXELS = 1280;

/** Counts as a picture in a URL: more is less transparent, so that it stands on light and dark paper. */
async function heatPicture(
  pixels: Float64Array,
  { width, height }: SensorSize,
  most: number,
): Promise<string> {
  const rgba = Buffer.alloc(4 * pixels.length);
  const colour = Number.parseInt(palette.heat.slice(1), 16);
  const scale = 255 / Math.log1p(most);
  for (let i = 0; i < pixels.length; i++) {
    rgba.writeUInt32BE(((colour << 8) | Math.round(scale * Math.log1p(pixels[i]!))) >>> 0, 4 * i);
  }
  const png = await sharp(rgba, { raw: { width, height, channels: 4 } })
    .resize({ width: PICTURE_PIXELS, height: PICTURE_PIXELS, fit: 'inside', withoutEnlargement: true })
    .png()
    .toBuffer();
  return `data:image/png;base64,${png.toString('base64')}`;
}

/** At most so many values, each the greatest of those it stands for. */
function peaks(values: readonly number[], most: number): number[] {
  const each = Math.ceil(values.length / most);
  const count = Math.ceil(values.length / each);
  return Array.from({ length: count }, (_, k) => Math.max(...values.slice(k * each, (k + 1) * each)));
}

function perSecond(rate: number): string {
  return `${scaled(rate)} events/s`;
}

/** A time for people, from microseconds. */
function micros(value: number): string {
  if (value < 1000) return `${Number(value.toPrecision(3))} us`;
  if (value < 1e6) return `${Number((value / 1000).toPrecision(3))} ms`;
  return value < 99e6 ? `${Number((value / 1e6).toPrecision(3))} s` : duration(value / 1e6);
}
