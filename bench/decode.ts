/**
 * Decoding alone: from memory, on one core, 1 MiB blocks into fresh chunks of 16,384 events, each pass over a
 * recording by a new decoder. Prints million events a second; `--json` prints them as JSON lines.
 */
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import type { EventChunk } from '../src/events.ts';
import {
  aedat2,
  aedat4,
  arrowEvents,
  type EventFormat,
  nmnist,
  sequentialFormats,
} from '../src/streams/formats/index.ts';

/** A recording to decode, from the data beside the checkout, else from the fixtures. */
interface Case {
  readonly title: string;
  readonly format: EventFormat;
  readonly shared: string;
  readonly fixture: string;
  /** Decoded first and written anew in `format`, without compression. */
  readonly rewrite?: boolean;
  /** Million events a second to reach. */
  readonly target?: number;
}

const cases: readonly Case[] = [
  {
    title: 'AEDAT 2.0, DVS128',
    format: aedat2,
    shared: 'dvs128_biolab_pendulo2.aedat',
    fixture: 'dvs128.aedat',
    target: 120,
  },
  {
    title: 'AEDAT 2.0, DAVIS240 (an eighth are not events)',
    format: aedat2,
    shared: 'pyaedat_IMU_rotDisk.aedat',
    fixture: 'davis240.aedat',
  },
  {
    title: 'N-MNIST layout',
    format: nmnist,
    shared: 'evl_ncaltech101_faces_easy_0001.bin',
    fixture: 'nmnist.bin',
    target: 120,
  },
  {
    title: 'AEDAT 4, LZ4',
    format: aedat4,
    shared: 'aestream_davis.aedat4',
    fixture: 'davis346-lz4.aedat4',
    target: 25,
  },
  {
    title: 'AEDAT 4, LZ4, small packets',
    format: aedat4,
    shared: 'tonic_sample.aedat4',
    fixture: 'davis346-lz4.aedat4',
    target: 25,
  },
  {
    title: 'AEDAT 4, no compression',
    format: aedat4,
    shared: 'aestream_davis.aedat4',
    fixture: 'davis346-lz4.aedat4',
    rewrite: true,
  },
  { title: 'AEDAT 4, zstd', format: aedat4, shared: '', fixture: 'davis346-zstd.aedat4' },
  {
    title: 'Arrow',
    format: arrowEvents,
    shared: 'aestream_davis.aedat4',
    fixture: 'davis346-lz4.aedat4',
    rewrite: true,
  },
];

const BLOCK_BYTES = 1 << 20;
const ROUNDS = 9;
const EVENTS_A_ROUND = 10_000_000;

/** The checkout, from bench/ and from dist/bench/. */
function checkout(): URL {
  for (const up of ['../', '../../']) {
    const root = new URL(up, import.meta.url);
    if (existsSync(new URL('package.json', root))) return root;
  }
  throw new Error('package.json not found');
}

async function load({
  shared,
  fixture,
  format,
  rewrite,
}: Case): Promise<{ name: string; bytes: Uint8Array }> {
  const real = new URL(`../shared/data/recordings/${shared}`, checkout());
  const found =
    shared !== '' && existsSync(real) ? real : new URL(`fixtures/recordings/${fixture}`, checkout());
  const bytes = new Uint8Array(readFileSync(found));
  const name = found === real ? shared : `fixtures/recordings/${fixture}`;
  const source = sequentialFormats.find((candidate) => candidate.sniff(bytes, bytes.length) > 0)!;
  await source.prepare?.(bytes);
  if (rewrite !== true) return { name, bytes };
  const encoder = format.createEncoder!({ sensor: { width: 346, height: 260 } });
  const parts: Uint8Array[] = [];
  decode(source, bytes, (chunk) => encoder.push(chunk, (part) => parts.push(part)));
  encoder.end((part) => parts.push(part));
  return { name, bytes: Buffer.concat(parts) };
}

function decode(format: EventFormat, bytes: Uint8Array, emit: (chunk: EventChunk) => void): void {
  const decoder = format.createDecoder();
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    decoder.push(bytes.subarray(start, start + BLOCK_BYTES), emit);
  }
  decoder.end(emit);
}

/** Million events a second: by the clock on the wall, sorted, and by the time that the processor spent. */
function measure(format: EventFormat, bytes: Uint8Array): { wall: number[]; processor: number[] } {
  let events = 0;
  const count = (chunk: EventChunk): void => {
    events += chunk.t.length;
  };
  decode(format, bytes, count);
  const passes = Math.ceil(EVENTS_A_ROUND / events);
  const wall: number[] = [];
  const processor: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    events = 0;
    const spent = process.cpuUsage();
    const start = performance.now();
    for (let pass = 0; pass < passes; pass++) decode(format, bytes, count);
    wall.push(events / (performance.now() - start) / 1000);
    const { user, system } = process.cpuUsage(spent);
    processor.push(events / (user + system));
  }
  const ascending = (a: number, b: number): number => a - b;
  return { wall: wall.sort(ascending), processor: processor.sort(ascending) };
}

const json = process.argv.includes('--json');
const pick = process.argv.slice(2).find((argument) => !argument.startsWith('--'));
const middle = (ROUNDS - 1) / 2;
if (!json) {
  console.log(
    `Decoding, million events a second: median and best of ${ROUNDS}, and median by processor time`,
  );
  console.log(
    `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, load ${loadavg()[0]!.toFixed(1)}`,
  );
}
for (const entry of cases) {
  if (pick !== undefined && !entry.title.includes(pick)) continue;
  const { title, target } = entry;
  const { name, bytes } = await load(entry);
  const { wall, processor } = measure(entry.format, bytes);
  const figures = { median: wall[middle]!, best: wall[ROUNDS - 1]!, processor: processor[middle]! };
  if (json) {
    console.log(
      JSON.stringify({ title, file: name, ...figures, ...(target === undefined ? {} : { target }) }),
    );
    continue;
  }
  const columns = Object.values(figures).map((rate) => rate.toFixed(1).padStart(8));
  const goal = target === undefined ? '' : `target ${target}`;
  console.log(`${title.padEnd(48)}${columns.join('')}  ${goal.padEnd(12)}${name}`);
}
