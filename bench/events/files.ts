import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { allocateChunk, type EventChunk, type SensorSize } from '../../src/events.ts';
import { openRecording } from '../../src/streams/recording-file.ts';

/** Events in memory. */
export interface Events {
  /** Name of the file they are from. */
  readonly name: string;
  readonly chunks: readonly EventChunk[];
  readonly sensor: SensorSize;
  readonly count: number;
}

/** The checkout, from bench/events and from dist/bench/events. */
function checkout(): URL {
  for (const up of ['../../', '../../../']) {
    const root = new URL(up, import.meta.url);
    if (existsSync(new URL('package.json', root))) return root;
  }
  throw new Error('package.json not found');
}

/** Where a recording is: in the data beside the checkout, else the fixture. */
export function recordingUrl(shared: string, fixture: string): URL {
  const real = new URL(`../shared/data/recordings/${shared}`, checkout());
  return existsSync(real) ? real : new URL(`fixtures/recordings/${fixture}`, checkout());
}

/** The events of a recording, again and again until there are `least` of them, with time going on. */
export async function repeatedEvents(url: URL, least: number): Promise<Events> {
  const recording = await openRecording(url.pathname);
  const chunks: EventChunk[] = [];
  for await (const chunk of recording.chunks()) if (chunk.t.length > 0) chunks.push(chunk);
  const first = chunks[0]!;
  const last = chunks.at(-1)!;
  const start = first.origin + first.t[0]!;
  const period = last.origin + last.t.at(-1)! + 1 - start;
  const once = chunks.reduce((sum, { t }) => sum + t.length, 0);
  const times = Math.ceil(least / once);
  const repeated = Array.from({ length: times }, (_, k) =>
    chunks.map((chunk) => ({ ...chunk, origin: chunk.origin - start + k * period })),
  ).flat();
  const sensor = recording.sensor ?? { width: 240, height: 180 };
  return { name: url.pathname.split('/').at(-1)!, chunks: repeated, sensor, count: times * once };
}

/** The first events, as one stream of full chunks. */
export function firstEvents(events: Events, count: number): Events {
  const chunks: EventChunk[] = [];
  let rest = count;
  for (const chunk of events.chunks) {
    const length = Math.min(rest, chunk.t.length);
    if (length === 0) break;
    chunks.push({
      origin: chunk.origin,
      t: chunk.t.subarray(0, length),
      x: chunk.x.subarray(0, length),
      y: chunk.y.subarray(0, length),
      on: chunk.on.subarray(0, length),
    });
    rest -= length;
  }
  return { ...events, chunks, count: count - rest };
}

/** Events at random places, one each microsecond: the worst case for memories of pixels. */
export function randomEvents(sensor: SensorSize, count: number): Events {
  const chunks: EventChunk[] = [];
  let state = 1;
  for (let start = 0; start < count; start += 16_384) {
    const chunk = allocateChunk(start, Math.min(16_384, count - start));
    for (let i = 0; i < chunk.t.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      chunk.t[i] = i;
      chunk.x[i] = ((state >>> 17) * sensor.width) >>> 15;
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      chunk.y[i] = ((state >>> 17) * sensor.height) >>> 15;
      chunk.on[i] = (state >>> 16) & 1;
    }
    chunks.push(chunk);
  }
  return { name: 'random places', chunks, sensor, count };
}

/** Writes rows of t (int64), x, y and p (int16 each), as bench/peers/events_speed.py reads them. */
export async function writeRows(path: string, { chunks, count }: Events): Promise<void> {
  const rows = Buffer.alloc(14 * count);
  let at = 0;
  for (const { origin, t, x, y, on } of chunks) {
    for (let i = 0; i < t.length; i++, at += 14) {
      const micros = origin + t[i]!;
      rows.writeUInt32LE(micros % 2 ** 32, at);
      rows.writeInt32LE(Math.floor(micros / 2 ** 32), at + 4);
      rows.writeInt16LE(x[i]!, at + 8);
      rows.writeInt16LE(y[i]!, at + 10);
      rows.writeInt16LE(on[i]!, at + 12);
    }
  }
  await writeFile(path, rows);
}

/**
 * An EVT3 file again and again, word by word, so that it stays what its camera made of it; only the values of TIME_HIGH
 * go on (type 8, 12 bits that wrap).
 */
export async function writeRepeatedEvt3(url: URL, out: string, leastBytes: number): Promise<void> {
  const file = await readFile(url);
  let start = 0;
  while (file[start] === 0x25) start = file.indexOf(0x0a, start) + 1;
  const body = file.subarray(start, file.length - ((file.length - start) % 2));
  const highs = new Set<number>();
  for (let at = 0; at < body.length; at += 2) {
    const word = body.readUInt16LE(at);
    if (word >>> 12 === 8) highs.add(word & 4095);
  }
  const parts: Buffer[] = [file.subarray(0, start)];
  for (let k = 0; k * body.length < leastBytes; k++) {
    const part = Buffer.from(body);
    for (let at = 0; at < part.length; at += 2) {
      const word = part.readUInt16LE(at);
      if (word >>> 12 === 8) part.writeUInt16LE(0x8000 | ((word + k * highs.size) & 4095), at);
    }
    parts.push(part);
  }
  await writeFile(out, Buffer.concat(parts));
}
