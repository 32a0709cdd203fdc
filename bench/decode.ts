/**
 * Decoding and encoding alone: from memory and into memory, on one core, 1 MiB blocks into fresh chunks of 16,384
 * events, each pass over a recording by a new decoder; in the three implementations of the hot loops.
 */
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import type { EventChunk, SensorSize } from '../src/events.ts';
import {
  aedat2,
  aedat4,
  arrowEvents,
  dat,
  type EventFormat,
  eventStream,
  evt2,
  evt3,
  nmnist,
  sequentialFormats,
} from '../src/streams/formats/index.ts';
import { type Implementation, useImplementation } from '../src/streams/formats/kernels/loops.ts';
import { benchOptions, json } from './options.ts';

/** A recording to decode, from the data beside the checkout, else from the fixtures. */
interface Case {
  readonly title: string;
  readonly format: EventFormat;
  readonly shared: string;
  readonly fixture: string;
  /** Decoded first and written anew in `format`, as its encoder does by default or with this compression. */
  readonly rewrite?: boolean | 'none';
  /** Million events a second to reach by WebAssembly and by the addon. */
  readonly targets?: readonly [wasm: number, addon: number];
  /** False where no loop of the format is in C. */
  readonly hot?: false;
  /** False where encoding is that of another case. */
  readonly encoded?: false;
}

const cases: readonly Case[] = [
  {
    title: 'AEDAT 2.0, DVS128',
    format: aedat2,
    shared: 'dvs128_biolab_pendulo2.aedat',
    fixture: 'dvs128.aedat',
    targets: [250, 250],
  },
  {
    title: 'AEDAT 2.0, DAVIS240 (an eighth are not events)',
    format: aedat2,
    shared: 'pyaedat_IMU_rotDisk.aedat',
    fixture: 'davis240.aedat',
    encoded: false,
  },
  {
    title: 'N-MNIST layout',
    format: nmnist,
    shared: 'evl_ncaltech101_faces_easy_0001.bin',
    fixture: 'nmnist.bin',
    targets: [250, 250],
  },
  { title: 'EVT2', format: evt2, shared: 'faery_evt2.raw', fixture: 'evt2.raw', targets: [300, 376] },
  {
    title: 'EVT3, vectors (1.4 words an event)',
    format: evt3,
    shared: 'expelliarmus_evt3.raw',
    fixture: 'evt3.raw',
    targets: [130, 190],
  },
  {
    title: 'EVT3, sparse (3.7 words)',
    format: evt3,
    shared: 'expelliarmus_evt3_pedestrians.raw',
    fixture: 'evt3.raw',
    targets: [90, 90],
  },
  {
    title: 'EVT3, other words (4.6 words)',
    format: evt3,
    shared: 'eccodecs_trigger.evt3.raw',
    fixture: 'evt3.raw',
    targets: [70, 80],
  },
  {
    title: 'DAT',
    format: dat,
    shared: 'faery_evt2.raw',
    fixture: 'evt2.raw',
    rewrite: true,
    targets: [300, 421],
  },
  { title: 'Event Stream', format: eventStream, shared: 'faery_dvs.es', fixture: 'dvs.es', hot: false },
  {
    title: 'AEDAT 4, LZ4',
    format: aedat4,
    shared: 'aestream_davis.aedat4',
    fixture: 'davis346-lz4.aedat4',
    targets: [60, 60],
  },
  {
    title: 'AEDAT 4, LZ4, small packets',
    format: aedat4,
    shared: 'tonic_sample.aedat4',
    fixture: 'davis346-lz4.aedat4',
    targets: [60, 60],
  },
  {
    title: 'AEDAT 4, no compression',
    format: aedat4,
    shared: 'aestream_davis.aedat4',
    fixture: 'davis346-lz4.aedat4',
    rewrite: 'none',
  },
  { title: 'AEDAT 4, zstd', format: aedat4, shared: '', fixture: 'davis346-zstd.aedat4', encoded: false },
  {
    title: 'Arrow',
    format: arrowEvents,
    shared: 'aestream_davis.aedat4',
    fixture: 'davis346-lz4.aedat4',
    rewrite: true,
    hot: false,
  },
];

const BLOCK_BYTES = 1 << 20;
const ROUNDS = 41;
const EVENTS_A_ROUND = 1_500_000;
const DEFAULT_SENSOR: SensorSize = { width: 346, height: 260 };
const IMPLEMENTATIONS: readonly Implementation[] = ['typescript', 'wasm', 'addon'];

/** The checkout, from bench/ and from dist/bench/. */
function checkout(): URL {
  for (const up of ['../', '../../']) {
    const root = new URL(up, import.meta.url);
    if (existsSync(new URL('package.json', root))) return root;
  }
  throw new Error('package.json not found');
}

/** A file in memory, with its events. */
interface Loaded {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly chunks: readonly EventChunk[];
  readonly sensor: SensorSize;
}

async function load({ shared, fixture, format, rewrite }: Case): Promise<Loaded> {
  const real = new URL(`../shared/data/recordings/${shared}`, checkout());
  const found =
    shared !== '' && existsSync(real) ? real : new URL(`fixtures/recordings/${fixture}`, checkout());
  const bytes = new Uint8Array(readFileSync(found));
  const name = found === real ? shared : `fixtures/recordings/${fixture}`;
  const source = sequentialFormats.find((candidate) => candidate.sniff(bytes, bytes.length) > 0)!;
  await source.prepare?.(bytes);
  const chunks: EventChunk[] = [];
  const sensor = decode(source, bytes, (chunk) => chunks.push(chunk)) ?? DEFAULT_SENSOR;
  if (rewrite === undefined) return { name, bytes, chunks, sensor };
  return { name, bytes: encode(format, chunks, sensor, rewrite), chunks, sensor };
}

function decode(
  format: EventFormat,
  bytes: Uint8Array,
  emit: (chunk: EventChunk) => void,
): SensorSize | undefined {
  const decoder = format.createDecoder();
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    decoder.push(bytes.subarray(start, start + BLOCK_BYTES), emit);
  }
  decoder.end(emit);
  return decoder.sensor;
}

function encode(
  format: EventFormat,
  chunks: readonly EventChunk[],
  sensor: SensorSize,
  how: Case['rewrite'],
): Uint8Array {
  const encoder = format.createEncoder!({ sensor, ...(how === 'none' ? { compression: how } : {}) });
  const parts: Uint8Array[] = [];
  const collect = (part: Uint8Array): number => parts.push(part);
  for (const chunk of chunks) encoder.push(chunk, collect);
  encoder.end(collect);
  return Buffer.concat(parts);
}

/** Million events a second by the clock on the wall, over rounds short enough that some meet no other load. */
interface Rate {
  readonly median: number;
  readonly best: number;
}

/** Rates of a pass over `events` events. */
function measure(events: number, pass: () => void): Rate {
  const passes = Math.ceil(EVENTS_A_ROUND / events);
  for (let i = 0; i < passes; i++) pass();
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let i = 0; i < passes; i++) pass();
    rates.push((events * passes) / (performance.now() - start) / 1000);
  }
  rates.sort((a, b) => a - b);
  return { median: rates[ROUNDS >> 1]!, best: rates[ROUNDS - 1]! };
}

/** Decodes once by each implementation that works here, and by one where they make no difference. */
function decodeRates(
  { format, hot }: Case,
  { bytes, chunks }: Loaded,
): Partial<Record<Implementation, Rate>> {
  const events = chunks.reduce((total, { t }) => total + t.length, 0);
  const rates: Partial<Record<Implementation, Rate>> = {};
  for (const name of hot === false ? (['typescript'] as const) : IMPLEMENTATIONS) {
    if (!useImplementation(name)) continue;
    rates[name] = measure(events, () => {
      let decoded = 0;
      decode(format, bytes, (chunk) => {
        decoded += chunk.t.length;
      });
      if (decoded !== events) throw new Error(`${events} events expected, ${decoded} decoded`);
    });
  }
  useImplementation(undefined);
  return rates;
}

const {
  options: { json: asJson },
  files: [pick],
} = benchOptions(
  'npm run bench:decode -- [TITLE]',
  `Decoding from memory and encoding into it, on one core, in million events a second: in TypeScript, WebAssembly and C,
the formats whose title contains TITLE, or all.`,
  { json },
);
const column = (rate: Rate | undefined): string =>
  (rate === undefined ? '' : `${rate.median.toFixed(0)} / ${rate.best.toFixed(0)}`).padStart(12);
if (!asJson) {
  console.log(`Decoding and encoding, million events a second: median / best of ${ROUNDS} rounds`);
  console.log(
    `Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}, load ${loadavg()[0]!.toFixed(1)}`,
  );
  const heads = ['script', 'wasm', 'addon', 'encode'].map((head) => head.padStart(12)).join('');
  console.log(`${''.padEnd(48)}${heads}`);
}
for (const entry of cases) {
  const { title, targets, format, rewrite } = entry;
  if (pick !== undefined && !title.includes(pick)) continue;
  const loaded = await load(entry);
  const rates = decodeRates(entry, loaded);
  const events = loaded.chunks.reduce((total, { t }) => total + t.length, 0);
  const encoding =
    entry.encoded === false
      ? undefined
      : measure(events, () => void encode(format, loaded.chunks, loaded.sensor, rewrite));
  if (asJson) {
    console.log(JSON.stringify({ title, file: loaded.name, ...rates, encode: encoding, targets }));
    continue;
  }
  const columns = [rates.typescript, rates.wasm, rates.addon, encoding].map(column).join('');
  const goal = targets === undefined ? '' : `target ${targets.join(', ')}`;
  console.log(`${title.padEnd(48)}${columns}  ${goal.padEnd(17)}${loaded.name}`);
}
