import { join } from 'node:path';
import type { EventChunk, SensorSize, Stage } from '../../src/events.ts';
import {
  type Binning,
  createBinning,
  FrameGrid,
  filters,
  type Representation,
} from '../../src/operators/index.ts';
import {
  aedat2,
  aedat4,
  dat,
  type EventFormat,
  eventStream,
  evt2,
  evt3,
  nmnist,
  text,
} from '../../src/streams/formats/index.ts';
import { openRecording, writeRecording } from '../../src/streams/recording-file.ts';
import {
  type Events,
  firstEvents,
  randomEvents,
  recordingUrl,
  repeatedEvents,
  writeRepeatedEvt3,
  writeRows,
} from './files.ts';
import type { Peer } from './peer.ts';
import { rates } from './rates.ts';

/** One line of the table: the same work by us and by peers. */
export interface Row {
  readonly group: 'decode' | 'encode' | 'frames' | 'filter';
  readonly title: string;
  /** What it works on. */
  readonly file: string;
  readonly events: number;
  /**
   * Ours: million events a second of passes for so many seconds, by each way to do it; `again` writes to memory of its
   * caller that is used again, as no peer does.
   */
  readonly ours: Readonly<Record<string, (seconds: number) => Promise<readonly number[]>>>;
  /** What each peer is asked, before the seconds that it may take, and after them. */
  readonly peers: Readonly<Record<string, readonly [before: readonly string[], after: readonly string[]]>>;
  /** What is aimed at: million events a second, and times the best peer. */
  readonly target?: { readonly rate?: number; readonly times?: number };
}

/** Events of each file, so that what a file costs to open is no part of it. */
const FILE_EVENTS = 2_000_000;
const EVT3_BYTES = 6_000_000;

interface FormatCase {
  readonly format: EventFormat;
  readonly title: string;
  readonly shared: string;
  readonly fixture: string;
  readonly extension: string;
  /** Its bytes are its camera's, not our encoder's. */
  readonly raw?: true;
  readonly decoders?: readonly string[];
  readonly encoders?: readonly string[];
  readonly target?: Row['target'];
}

const formatCases: readonly FormatCase[] = [
  {
    format: evt2,
    title: 'EVT2',
    shared: 'faery_evt2.raw',
    fixture: 'evt2.raw',
    extension: '.raw',
    decoders: ['expelliarmus', 'faery'],
    encoders: ['expelliarmus', 'faery'],
    target: { rate: 300, times: 1 },
  },
  {
    format: dat,
    title: 'DAT',
    shared: 'faery_evt2.raw',
    fixture: 'evt2.raw',
    extension: '.dat',
    decoders: ['expelliarmus', 'faery'],
    encoders: ['expelliarmus', 'faery'],
    target: { rate: 300, times: 1 },
  },
  {
    format: evt3,
    title: 'EVT3, vectors',
    shared: 'expelliarmus_evt3.raw',
    fixture: 'evt3.raw',
    extension: '.raw',
    raw: true,
    decoders: ['expelliarmus', 'faery'],
    encoders: ['expelliarmus', 'faery'],
    target: { rate: 130, times: 1.5 },
  },
  {
    format: evt3,
    title: 'EVT3, sparse',
    shared: 'expelliarmus_evt3_pedestrians.raw',
    fixture: 'evt3.raw',
    extension: '.raw',
    raw: true,
    decoders: ['expelliarmus', 'faery'],
    target: { rate: 90, times: 1.5 },
  },
  {
    format: evt3,
    title: 'EVT3, other words',
    shared: 'eccodecs_trigger.evt3.raw',
    fixture: 'evt3.raw',
    extension: '.raw',
    raw: true,
    decoders: ['expelliarmus', 'faery'],
    target: { rate: 70, times: 1.5 },
  },
  {
    format: aedat2,
    title: 'AEDAT 2.0',
    shared: 'dvs128_biolab_pendulo2.aedat',
    fixture: 'dvs128.aedat',
    extension: '.aedat',
    decoders: ['tonic'],
    target: { rate: 250 },
  },
  {
    format: nmnist,
    title: 'N-MNIST',
    shared: 'evl_ncaltech101_faces_easy_0001.bin',
    fixture: 'nmnist.bin',
    extension: '.bin',
    decoders: ['tonic'],
    target: { rate: 250 },
  },
  {
    format: aedat4,
    title: 'AEDAT 4, LZ4',
    shared: 'aestream_davis.aedat4',
    fixture: 'davis346-lz4.aedat4',
    extension: '.aedat4',
    decoders: ['faery', 'tonic'],
    target: { rate: 60 },
  },
  {
    format: eventStream,
    title: 'Event Stream',
    shared: 'faery_dvs.es',
    fixture: 'dvs.es',
    extension: '.es',
    decoders: ['faery'],
    encoders: ['faery'],
  },
  {
    format: text,
    title: 'text',
    shared: 'faery_dvs.es',
    fixture: 'dvs.es',
    extension: '.csv',
    decoders: ['faery'],
    encoders: ['faery'],
  },
];

/** The names of formats that peers take. */
const peerNames: Readonly<Record<string, string>> = { [text.name]: 'csv', [eventStream.name]: 'es' };

/**
 * Decoding files, then writing them.
 * @param folder holds the files
 * @param own ours, each implementation of the hot loops in a process of its own, the best one first
 */
export async function* formatRows(folder: string, own: readonly Peer[]): AsyncGenerator<Row> {
  const encoding: Row[] = [];
  for (const [number, entry] of formatCases.entries()) {
    const { format, title, shared, fixture, extension, raw, target } = entry;
    const url = recordingUrl(shared, fixture);
    const path = join(folder, `${number}${extension}`);
    const source = await repeatedEvents(url, raw ? 1 : FILE_EVENTS);
    const { chunks, sensor, count, name: file } = source;
    if (raw) await writeRepeatedEvt3(url, path, EVT3_BYTES);
    else await writeRecording(path, chunks, { format, sensor });
    const name = peerNames[format.name] ?? format.name;
    const events = raw ? await countedEvents(path, format) : count;
    yield {
      group: 'decode',
      title,
      file,
      events,
      ours: Object.fromEntries(
        // Text has no loops in C.
        own
          .filter((way) => format !== text || way.name === 'typescript')
          .map((way) => [way.name, ownRates(way, events, ['decode', format.name], [path])]),
      ),
      peers: asked(entry.decoders, ['decode', name], [path]),
      ...(target === undefined ? {} : { target }),
    };
    if (raw && entry.encoders === undefined) continue;
    const out = join(folder, `out${extension}`);
    const written = raw ? join(folder, `events-${number}${extension}`) : path;
    const wide = raw ? await repeatedEvents(url, FILE_EVENTS) : source;
    if (raw) await writeRecording(written, wide.chunks, { format, sensor });
    encoding.push({
      group: 'encode',
      title: title.split(',')[0]!,
      file,
      events: wide.count,
      ours: { rxspike: ownRates(own[0]!, wide.count, ['encode', format.name], [written, out]) },
      peers: asked(entry.encoders, ['encode', name], [written, join(folder, `peer${extension}`)]),
    });
  }
  yield* encoding;
}

function asked(
  peers: readonly string[] | undefined,
  before: readonly string[],
  after: readonly string[],
): Row['peers'] {
  return Object.fromEntries((peers ?? []).map((peer) => [peer, [before, after] as const]));
}

async function countedEvents(path: string, format: EventFormat): Promise<number> {
  let events = 0;
  for await (const { t } of (await openRecording(path, { format })).chunks()) events += t.length;
  return events;
}

/** What one of ours is asked, and must do with all events. */
function ownRates(
  way: Peer,
  events: number,
  before: readonly string[],
  after: readonly string[],
): (seconds: number) => Promise<readonly number[]> {
  return async (seconds) => {
    const answer = await way.ask([...before, seconds, ...after]);
    const problem = 'absent' in answer ? answer.absent : undefined;
    if ('rates' in answer && answer.events === events) return answer.rates;
    throw new Error(`${way.name}, ${[...before, ...after].join(' ')}: ${problem ?? 'events are missing'}`);
  };
}

/** Passes of events through a stage, chunk by chunk. */
function staged<Out>(
  { chunks, count: events }: Events,
  create: () => Stage<EventChunk, Out>,
): (seconds: number) => Promise<readonly number[]> {
  return (seconds) =>
    rates(events, seconds, () => {
      const stage = create();
      let given = 0;
      const take = (): void => {
        given++;
      };
      for (const chunk of chunks) stage.push(chunk, take);
      stage.end(take);
      if (given === 0) throw new Error('nothing came out');
    });
}

/** What Tonic has under another name, with its argument. */
const tonicFilters: Readonly<Record<string, readonly [name: string, argument: string]>> = {
  'denoise:micros=5000,neighbours=4': ['denoise', '5000'],
  'refractory:micros=1000': ['refractory', '1000'],
  'decimate:count=4': ['decimate', '4'],
  'flip:axis=x': ['flip', ''],
  'drop:probability=0.1': ['drop', '0.1'],
  'jitter-space:deviation-x=1,deviation-y=1': ['jitter-space', ''],
  'jitter-time:deviation-micros=100': ['jitter-time', '100'],
};

/** What Tonic does in loops of Python, which take seconds for a million events: they get fewer. */
const loopsInPython: ReadonlySet<string> = new Set(['denoise', 'refractory', 'decimate']);
const SLOW_EVENTS = 50_000;

/** Frames and representations, then filters, on real recordings and on random places. */
export async function* operatorRows(folder: string): AsyncGenerator<Row> {
  const sources: readonly [Events, string][] = [
    [
      await repeatedEvents(recordingUrl('dvs128_biolab_pendulo2.aedat', 'dvs128.aedat'), FILE_EVENTS),
      '128x128',
    ],
    [await repeatedEvents(recordingUrl('faery_evt2.raw', 'evt2.raw'), FILE_EVENTS), '640x480'],
    [randomEvents({ width: 640, height: 480 }, FILE_EVENTS), '640x480 random'],
  ];
  const filtering: Row[] = [];
  for (const [number, [source, size]] of sources.entries()) {
    const rows = join(folder, `rows-${number}.bin`);
    await writeRows(rows, source);
    yield* frameRows(source, size, rows);
    if (number === 2) continue;
    const slow = join(folder, `slow-${number}.bin`);
    await writeRows(slow, firstEvents(source, SLOW_EVENTS));
    filtering.push(...filterRows(source, size, (name) => (loopsInPython.has(name) ? slow : rows)));
  }
  yield* filtering;
}

function* frameRows(source: Events, size: string, path: string): Generator<Row> {
  const { sensor, chunks, count, name: file } = source;
  const last = chunks.at(-1)!;
  const duration = last.origin + last.t.at(-1)! - chunks[0]!.origin;
  // As many microseconds as 100,000 events take.
  const windowMicros = Math.ceil((duration * 100_000) / count);
  const grid = new FrameGrid({ sensor });
  const surface: Representation = { kind: 'time-surface', tauMicros: 50_000 };
  const row = (
    title: string,
    binning: Binning,
    representation: Representation,
    tonic: readonly [name: string, argument: string],
    target?: Row['target'],
  ): Row => {
    const allocate = framesAgain(sensor, representation);
    return {
      group: 'frames',
      title: `${size} ${title}`,
      file,
      events: count,
      ours: {
        rxspike: staged(source, () => createBinning(binning, { grid, representation })),
        again: staged(source, () => createBinning(binning, { grid, representation, allocate })),
      },
      peers: tonicAsked(tonic, path, sensor),
      ...(target === undefined ? {} : { target }),
    };
  };
  const each = (events: number): Binning => ({ kind: 'events', count: events });
  yield row('frames, 100k events each', each(1e5), { kind: 'counted' }, ['frames', '100000'], { times: 8 });
  for (const events of [1e5, 1e6]) {
    yield row(
      `voxel grid of 5, ${events / 1000}k events each`,
      each(events),
      { kind: 'voxel-grid', bins: 5 },
      ['voxel-grid', String(events)],
      { rate: 60 },
    );
  }
  // One frame at the end: almost all is the update. The rest of many frames' time is their rendering.
  yield row('time surface, update', { kind: 'count', bins: 1 }, surface, ['', ''], { rate: 100 });
  yield row('time surface, 100k events a frame', { kind: 'time', windowMicros }, surface, [
    'time-surface',
    String(windowMicros),
  ]);
}

/** Two frames in turns, so that one may be looked at while the other is made. */
function framesAgain(
  { width, height }: SensorSize,
  representation: Representation,
): (ordinal: number) => Float32Array {
  const channels = representation.kind === 'voxel-grid' ? representation.bins : 2;
  const [even, odd] = [0, 1].map(() => new Float32Array(width * height * channels));
  return (ordinal) => (ordinal % 2 === 0 ? even! : odd!).fill(0);
}

function* filterRows(source: Events, size: string, path: (name: string) => string): Generator<Row> {
  for (const [example, tonic] of Object.entries(tonicFilters)) {
    const filter = filters.parseFilter(example);
    yield {
      group: 'filter',
      title: `${size} ${example}`,
      file: source.name,
      events: source.count,
      ours: { rxspike: staged(source, () => filter.create(source.sensor)) },
      peers: tonicAsked(tonic, path(tonic[0]), source.sensor),
    };
  }
}

function tonicAsked(
  [name, argument]: readonly [name: string, argument: string],
  path: string,
  { width, height }: SensorSize,
): Row['peers'] {
  if (name === '') return {};
  return asked(['tonic'], ['operate', name], [path, String(width), String(height), argument]);
}
