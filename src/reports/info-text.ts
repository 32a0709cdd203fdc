import type { SensorSize } from '../events.ts';
import { description } from './table.ts';

/** What a recording amounts to, as `pipeline info` shows it. */
export interface InfoFacts {
  readonly path: string;
  /** Name of the format for people. */
  readonly title: string;
  readonly sensor: SensorSize | undefined;
  readonly simulated: boolean;
  readonly events: number;
  readonly on: number;
  readonly off: number;
  readonly firstMicros: number | undefined;
  readonly durationMicros: number;
  readonly eventsPerSecond: number;
  readonly xRange: readonly [number, number] | undefined;
  readonly yRange: readonly [number, number] | undefined;
  readonly counters:
    | { readonly backward: number; readonly outOfRange: number; readonly skipped: number }
    | undefined;
}

/** A block of lines: the path, then a fact a line. */
export function infoText(facts: InfoFacts): string {
  const { path, title, sensor, simulated, events, on, off, xRange, yRange, counters } = facts;
  const entries: [string, string][] = [
    ['format', title],
    ['sensor', sensor === undefined ? 'the file does not say' : `${sensor.width} x ${sensor.height}`],
    ...(simulated ? [['source', 'simulated'] as [string, string]] : []),
    ['events', grouped(events)],
  ];
  if (xRange !== undefined && yRange !== undefined) {
    entries.push(
      ['polarity', `${grouped(on)} on, ${grouped(off)} off (${((100 * on) / events).toFixed(1)} % on)`],
      ['first', `${facts.firstMicros} us`],
      ['duration', `${(facts.durationMicros / 1e6).toFixed(6)} s`],
      ['rate', `${grouped(Math.round(facts.eventsPerSecond))} events/s`],
      ['pixels', `x ${xRange.join('-')}, y ${yRange.join('-')}`],
    );
  }
  const notes = [
    [counters?.backward ?? 0, 'times went back and were raised'],
    [counters?.outOfRange ?? 0, 'events outside the sensor dropped'],
    [counters?.skipped ?? 0, 'other records skipped'],
  ] as const;
  for (const [count, words] of notes) if (count > 0) entries.push(['note', `${grouped(count)} ${words}`]);
  return `${path}\n${description(entries)}`;
}

/** A whole number with its digits in groups of three: 1,234,567. */
function grouped(value: number): string {
  return value.toLocaleString('en-US');
}
