import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import {
  allocateChunk,
  CHUNK_EVENTS,
  type EventChunk,
  type SensorSize,
  sliceChunk,
} from '../../src/events.ts';
import { RandomStream } from '../../src/random.ts';
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

/** The first events. */
export function firstEvents(events: Events, count: number): Events {
  const chunks: EventChunk[] = [];
  let rest = count;
  for (const chunk of events.chunks) {
    if (rest === 0) break;
    const length = Math.min(rest, chunk.t.length);
    chunks.push(sliceChunk(chunk, 0, length));
    rest -= length;
  }
  return { ...events, chunks, count: count - rest };
}

/** Events at random places, one each microsecond, in full chunks: the worst case for memories of pixels. */
export function randomEvents(sensor: SensorSize, count: number): Events {
  const random = new RandomStream(1, 'bench/operators');
  const chunks: EventChunk[] = [];
  for (let start = 0; start < count; start += CHUNK_EVENTS) {
    const chunk = allocateChunk(start, Math.min(CHUNK_EVENTS, count - start));
    for (let i = 0; i < chunk.t.length; i++) {
      const word = random.word(start + i);
      chunk.t[i] = i;
      chunk.x[i] = ((word & 0x7fff) * sensor.width) >>> 15;
      chunk.y[i] = (((word >>> 15) & 0x7fff) * sensor.height) >>> 15;
      chunk.on[i] = word >>> 31;
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
