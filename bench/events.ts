/**
 * Event files and operators beside other libraries, in million events a second on one core. Everybody reads the same file
 * from the page cache in the same run and takes turns, each in its best mode and, where files are decoded or encoded, in a
 * process of its own: what ours is says the column. Medians of all passes, and ours against the best peer.
 *
 * Peers are expelliarmus and Tonic, where --python can import them, and faery, as the program that bench/peers/faery makes
 * of its sources; one that is not there, or cannot do something, is left out and named. bench/decode.ts and
 * bench/operators.ts say more of ours alone.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IMPLEMENTATIONS, useImplementation } from '../src/streams/formats/kernels/loops.ts';
import { Peer } from './events/peer.ts';
import { formatRows, operatorRows, type Row } from './events/rows.ts';
import { benchOptions, json } from './options.ts';

const { options } = benchOptions(
  'npm run bench:events --',
  `Event files, frames and filters beside expelliarmus, faery and Tonic, in million events a second on one core: medians
of all passes, taken in turns, and how many times the best peer ours is.`,
  {
    python: { value: 'PYTHON', help: 'a Python that can import expelliarmus and Tonic', default: 'python3' },
    faery: { value: 'PROGRAM', help: 'what bench/peers/faery makes of its sources', default: 'faery-speed' },
    only: { value: 'TEXT', help: 'rows whose group and title contain it', default: '' },
    rounds: { value: 'N', help: 'turns of everybody', default: 3 },
    seconds: { value: 'N', help: 'of a turn', default: 0.2 },
    'processor-time': { help: 'measure the time that the processor worked', default: false },
    json,
  },
);
const { seconds } = options;
// Heard by everybody: where other work takes turns, processor time is what passes cost.
if (options['processor-time']) process.env['BENCH_CLOCK'] = 'processor';

interface Measured {
  /** All passes, by who made them. */
  readonly passes: Map<string, number[]>;
  readonly absent: Map<string, string>;
  readonly modes: Map<string, string>;
}

/** Ours and peers take turns; the first round of ours only warms up. */
async function measure(row: Row, peers: readonly Peer[]): Promise<Measured> {
  const passes = new Map<string, number[]>();
  const absent = new Map<string, string>();
  const modes = new Map<string, string>();
  const add = (name: string, found: readonly number[]): unknown =>
    passes.set(name, [...(passes.get(name) ?? []), ...found]);
  for (const own of Object.values(row.ours)) await own(seconds);
  for (let round = 0; round < options.rounds; round++) {
    for (const [name, own] of Object.entries(row.ours)) add(name, await own(seconds));
    for (const peer of peers) {
      const question = row.peers[peer.name];
      if (question === undefined || absent.has(peer.name)) continue;
      const answer = await peer.ask([...question[0], seconds, ...question[1]]);
      if ('absent' in answer) {
        absent.set(peer.name, answer.absent);
        continue;
      }
      add(peer.name, answer.rates);
      modes.set(peer.name, answer.mode);
    }
  }
  return { passes, absent, modes };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A rate with two digits at least. */
const digits = (rate: number | undefined): string =>
  rate === undefined ? '' : rate < 10 ? rate.toPrecision(2) : rate.toFixed(0);

const script = fileURLToPath(new URL('../../bench/peers/events_speed.py', import.meta.url));
const peers = [
  new Peer('expelliarmus', options.python, [script, 'expelliarmus']),
  new Peer('faery', options.faery, []),
  new Peer('tonic', options.python, [script, 'tonic']),
];
const ownScript = fileURLToPath(new URL('events/own.js', import.meta.url));
const ways = ['typescript', 'wasm', 'addon'];
const own = IMPLEMENTATIONS.filter((name) => useImplementation(name)).map(
  (name) => new Peer(name, process.execPath, [ownScript, name]),
);
useImplementation(undefined);
const folder = await mkdtemp(join(tmpdir(), 'rxspike-events-'));
const reasons = new Map<string, Set<string>>();
let group = '';
if (!options.json) {
  const clock = options['processor-time'] ? 'of processor time' : '';
  console.log(`Million events a second ${clock}, medians; every library on the same files, in turns`);
  console.log(`Node ${process.version}, ${cpus()[0]?.model ?? ''}, load ${loadavg()[0]!.toFixed(1)}`);
}
try {
  for (const rows of [formatRows(folder, own), operatorRows(folder)]) {
    for await (const row of rows) {
      if (!`${row.group} ${row.title}`.includes(options.only)) continue;
      show(row, await measure(row, peers));
    }
  }
} finally {
  for (const peer of [...own, ...peers]) peer.end();
  await rm(folder, { recursive: true, force: true });
}
for (const [reason, rows] of reasons) console.error(`left out: ${reason} (${[...rows].join('; ')})`);

function show({ group: kind, title, file, events, ours, target }: Row, measured: Measured): void {
  const medians = Object.fromEntries([...measured.passes].map(([name, values]) => [name, median(values)]));
  const fresh = Object.keys(ours).filter((name) => name !== 'again');
  const best = Math.max(...fresh.map((name) => medians[name]!));
  const others = peers.flatMap(({ name }) => (medians[name] === undefined ? [] : [medians[name]]));
  const times = others.length === 0 ? undefined : best / Math.max(...others);
  for (const [name, why] of measured.absent) {
    const reason = `${name}: ${why}`;
    reasons.set(reason, (reasons.get(reason) ?? new Set()).add(`${kind} ${title}`));
  }
  if (options.json) {
    const [absent, modes] = [measured.absent, measured.modes].map((map) => Object.fromEntries(map));
    console.log(
      JSON.stringify({
        type: 'speed',
        group: kind,
        title,
        file,
        events,
        medians,
        times,
        modes,
        absent,
        target,
      }),
    );
    return;
  }
  if (group !== kind) {
    const heads = [
      ...(kind === 'decode' ? ways : ['', kind === 'frames' ? 'memory again' : '', 'rxspike']),
      ...peers.map(({ name }) => name),
      'times',
    ];
    console.log(`\n${kind.padEnd(46)}${heads.map((head) => head.padStart(13)).join('')}`);
    group = kind;
  }
  const own =
    kind === 'decode' ? ways.map((name) => medians[name]) : [undefined, medians['again'], medians['rxspike']];
  const cells = [...own, ...peers.map(({ name }) => medians[name]), times].map((value) =>
    digits(value).padStart(13),
  );
  const goals = [
    ...(target?.rate === undefined ? [] : [`${target.rate}`]),
    ...(target?.times === undefined ? [] : [`${target.times} times`]),
  ];
  console.log(
    `${title.padEnd(46)}${cells.join('')}${goals.length === 0 ? '' : `  target ${goals.join(', ')}`}`,
  );
}
