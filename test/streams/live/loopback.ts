import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { EventChunk } from '../../../src/events.ts';
import type { DecodedRecording } from '../../../src/streams/decoding.ts';
import { type LiveOptions, type LiveSource, liveSource } from '../../../src/streams/live/live-source.ts';
import { type SendOptions, type Sent, sendEvents } from '../../../src/streams/live/send.ts';
import { openRecording } from '../../../src/streams/recording-file.ts';
import { type Row, rowsOf } from './protocols/decoding.ts';

/** A recording with its events in memory: a sender must not wait for the disk while silence is counted. */
export interface Loaded {
  readonly recording: DecodedRecording;
  readonly sensor: { readonly width: number; readonly height: number };
  readonly chunks: readonly EventChunk[];
  readonly rows: readonly Row[];
}

export async function load(path: string): Promise<Loaded> {
  const recording = await openRecording(path);
  const chunks: EventChunk[] = [];
  for await (const chunk of recording.chunks()) chunks.push(chunk);
  return { recording, sensor: recording.sensor!, chunks, rows: rowsOf(chunks) };
}

/** All that a source gives. */
export async function collect(source: LiveSource): Promise<Row[]> {
  const chunks: EventChunk[] = [];
  for await (const chunk of source.chunks()) chunks.push(chunk);
  return rowsOf(chunks);
}

/** Ends a source when it has received so many events, or nothing for long. */
export async function endAt(source: LiveSource, events: number): Promise<void> {
  for (let seen = -1, quiet = 0; source.counters.received < events && quiet < 200; ) {
    quiet = source.counters.bytes === seen ? quiet + 1 : 0;
    seen = source.counters.bytes;
    await sleep(10);
  }
  await source.close();
}

/** A source and a sender on one machine: whichever listens is there first. */
export async function exchange(
  { chunks, sensor }: Pick<Loaded, 'chunks' | 'sensor'>,
  from: string,
  to: string,
  options: Partial<LiveOptions & SendOptions> = {},
): Promise<{ rows: Row[]; source: LiveSource; sent: Sent }> {
  let opening: Promise<{ source: LiveSource; rows: Promise<Row[]> }> | undefined;
  const open = (port: number | undefined): void => {
    const place = port === undefined ? from : from.replace(':0', `:${port}`);
    opening ??= liveSource(place, { sensor, thread: false, ...options }).then((source) => ({
      source,
      rows: collect(source),
    }));
  };
  const listens = to.includes('listen');
  if (!listens) open(undefined);
  const port = (await opening)?.source.address?.port;
  const sent = await sendEvents(chunks, port === undefined ? to : to.replace(':0', `:${port}`), {
    sensor,
    ...options,
    ...(listens ? { onListening: ({ port }) => open(port), onNote: () => open(undefined) } : {}),
  });
  const { source, rows } = await opening!;
  await endAt(source, sent.events);
  return { rows: await rows, source, sent };
}

/** The rows with times from the first on. */
export function fromFirst(rows: readonly Row[]): Row[] {
  return rows.map(([micros, x, y, on]) => [micros - rows[0]![0], x, y, on]);
}

/** Compares rows quickly, and says where they differ first. */
export function expectRows(found: readonly Row[], expected: readonly Row[]): void {
  const at = expected.findIndex((row, i) => row.some((value, column) => value !== found[i]?.[column]));
  if (at >= 0) expect({ at, row: found[at] }).toEqual({ at, row: expected[at] });
  expect(found).toHaveLength(expected.length);
}
