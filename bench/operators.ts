/**
 * How fast filters and representations are, on one core. Time is that of the processor, as the process used it, so that
 * what else runs on the machine counts little. Events are at random places, one each microsecond, in chunks of 16,384: the
 * worst case for memories of pixels.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { EventChunk, Stage } from '../src/events.ts';
import {
  type Binning,
  createBinning,
  FrameGrid,
  filters,
  type Representation,
} from '../src/operators/index.ts';
import { randomEvents } from './events/files.ts';
import { benchOptions, json } from './options.ts';

const EVENTS = 4_000_000;
const sensors = { dvs128: { width: 128, height: 128 }, vga: { width: 640, height: 480 } } as const;
const { options } = benchOptions(
  'npm run bench:operators --',
  `Filters and representations of events at random places, in million events a second of processor time on one core,
beside the steps of Tonic in numpy where a Python with numpy is found (bench/peers/operators_speed.py).`,
  { python: { value: 'PYTHON', help: 'a Python that may have numpy', default: 'python3' }, json },
);

/** Median processor seconds of five passes, after one to warm up; each by a new stage. */
function seconds<Out>(create: () => Stage<EventChunk, Out>, chunks: readonly EventChunk[]): number {
  const pass = (): number => {
    const stage = create();
    let given = 0;
    const take = (): void => {
      given++;
    };
    const start = process.cpuUsage();
    for (const chunk of chunks) stage.push(chunk, take);
    stage.end(take);
    const { user, system } = process.cpuUsage(start);
    if (given === 0) throw new Error('nothing came out');
    return (user + system) / 1e6;
  };
  pass();
  return Array.from({ length: 5 }, pass).sort((a, b) => a - b)[2]!;
}

/** Million events a second of numpy's steps, by the row's name. */
function numpySpeeds(): { speeds: Readonly<Record<string, number>>; note: string } {
  const script = fileURLToPath(new URL('../../bench/peers/operators_speed.py', import.meta.url));
  const run = spawnSync(options.python, [script], { encoding: 'utf8' });
  if (run.status !== 0) {
    const why = run.error?.message ?? run.stderr.trim().split('\n').at(-1);
    return { speeds: {}, note: `numpy: absent (${why}); name a Python that has it with --python` };
  }
  const { version, ...speeds } = JSON.parse(run.stdout);
  return { speeds, note: `beside: Tonic's steps in numpy ${version}` };
}

const { speeds, note } = numpySpeeds();
const say = (row: {
  name: string;
  millionEventsPerSecond: number;
  milliseconds?: number;
  target?: number;
}): void => {
  const numpy = speeds[row.name];
  if (options.json) {
    console.log(JSON.stringify({ type: 'operator', ...row, ...(numpy === undefined ? {} : { numpy }) }));
    return;
  }
  const { name, millionEventsPerSecond, milliseconds, target } = row;
  const parts = [
    `${name.padEnd(58)} ${millionEventsPerSecond.toFixed(0).padStart(6)} M events/s`,
    ...(milliseconds === undefined ? [] : [`${milliseconds.toFixed(2)} ms a frame`]),
    ...(target === undefined ? [] : [`(target ${target})`]),
    ...(numpy === undefined
      ? []
      : [`numpy ${numpy.toPrecision(2)}, ${(millionEventsPerSecond / numpy).toFixed(0)} times`]),
  ];
  console.log(parts.join('  '));
};
console.error(note);

for (const [name, sensor] of Object.entries(sensors)) {
  const { chunks } = randomEvents(sensor, EVENTS);
  const grid = new FrameGrid({ sensor });
  const rate = (binning: Binning, representation: Representation): number =>
    EVENTS / seconds(() => createBinning(binning, { grid, representation }), chunks) / 1e6;
  const each100k: Binning = { kind: 'time', windowMicros: 100_000 };
  const each1M: Binning = { kind: 'time', windowMicros: 1_000_000 };
  const once: Binning = { kind: 'count', bins: 1 };
  const surface: Representation = { kind: 'time-surface', tauMicros: 50_000 };

  say({
    name: `${name} counted, 100k events a frame`,
    millionEventsPerSecond: rate(each100k, { kind: 'counted' }),
  });
  say({
    name: `${name} binary, 100k events a frame`,
    millionEventsPerSecond: rate(each100k, { kind: 'binary' }),
  });
  for (const [events, binning] of [
    ['100k', each100k],
    ['1M', each1M],
  ] as const) {
    say({
      name: `${name} voxel grid of 5, ${events} events a grid`,
      millionEventsPerSecond: rate(binning, { kind: 'voxel-grid', bins: 5 }),
      target: 60,
    });
  }
  // One frame at the end: almost all is the update. The rest of many frames' time is their rendering.
  const update = rate(once, surface);
  const rendered = rate(each100k, surface);
  say({ name: `${name} time surface, update`, millionEventsPerSecond: update, target: 100 });
  say({
    name: `${name} time surface, 100k events a frame`,
    millionEventsPerSecond: rendered,
    // A small sensor's is less than the noise of the two.
    milliseconds: Math.max(0, (1e5 / rendered - 1e5 / update) / 1e3),
  });
  say({
    name: `${name} averaged time surface, 100k events a bin`,
    millionEventsPerSecond: rate(each100k, {
      kind: 'averaged-time-surface',
      windowMicros: 10_000,
      tauMicros: 5_000,
    }),
  });
  say({
    name: `${name} binary representation of 8 bits, 100k events a frame`,
    millionEventsPerSecond: rate(each100k, { kind: 'binary-representation', bits: 8 }),
  });

  for (const { example } of filters.filterDefinitions) {
    const filter = filters.parseFilter(example);
    say({
      name: `${name} ${example}`,
      millionEventsPerSecond: EVENTS / seconds(() => filter.create(sensor), chunks) / 1e6,
    });
  }
}
