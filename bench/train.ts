/**
 * Training and inference speed side by side. Every engine and every way to write
 * the network in PyTorch runs in a process of its own and they take turns, so that what else the machine does meets all
 * of them. Prints the median step with its quartiles (of a stream also the 99th percentile), steps a second, speed against
 * PyTorch's fastest, and peak memory; then where spike-driven convolution begins to pay.
 *
 * Without --cases all run but the largest, `ssnn-notebook`: the step of the reference notebook itself.
 *
 * With --seconds a worker that has computed for so long in a case, the warm-up included, takes no further turn in it: slow
 * ones have fewer steps. One that does not answer within --patience seconds is ended and left out of the case.
 *
 * Workers: our engines by name (`webgpu` and `tensorflow` where they are); `limit`, the dense convolutions of the step
 * alone in oneDNN, and `limit-winograd`, with Winograd's algorithm where it is faster; `pytorch`, time folded into the
 * batch, channels_last; `pytorch-loop`, the network once for every timestep; `pytorch-compiled`, the first through
 * torch.compile. PyTorch is bench/peers/training.py.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { loadavg } from 'node:os';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { benchOptions, json } from './options.ts';
import { benchCases } from './training/cases.ts';
import { densities } from './training/sparse.ts';

const usual = [...Object.keys(benchCases).filter((name) => !benchCases[name]!.large), 'sparse'];
const { options } = benchOptions(
  'npm run bench:train --',
  `Training steps and inference of every engine and of PyTorch, in turns: the median step with its quartiles (of a stream
also the 99th percentile), steps a second, speed against PyTorch's fastest, peak memory; then where spike-driven
convolution begins to pay. A worker that is not there is left out and named.`,
  {
    cases: { value: 'A,B', help: 'what is run; ssnn-notebook is there too', default: usual.join() },
    workers: {
      value: 'A,B',
      help: 'engines; oneDNN alone; ways to write it in PyTorch, pytorch-compiled is there too',
      default: 'native,wasm,limit,limit-winograd,pytorch,pytorch-loop',
    },
    rounds: { value: 'N', help: 'turns of everybody', default: 7 },
    seconds: {
      value: 'N',
      help: 'a worker that computed so long in a case has no more turns',
      default: Infinity,
    },
    patience: { value: 'N', help: 'seconds after which a worker that is silent is ended', default: Infinity },
    threads: { value: 'N', help: 'of each worker', default: 2 },
    python: { value: 'PYTHON', help: 'a Python that may have PyTorch', default: 'python3' },
    device: { value: 'NAME', help: 'where PyTorch computes', default: 'cpu' },
    json,
  },
);

/** What a worker says of a turn. */
interface Turn {
  readonly seconds: readonly number[];
  readonly peakBytes: number;
}

/** A process that runs cases. */
class Worker {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #lines: Interface;
  #ended = false;

  constructor(name: string, command: string, commandArguments: string[]) {
    this.name = name;
    this.#process = spawn(command, commandArguments, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process.on('error', () => undefined);
    this.#process.stdin!.on('error', () => undefined);
    this.#lines = createInterface({ input: this.#process.stdout! });
    this.#lines.on('close', () => {
      this.#ended = true;
    });
  }

  /** One turn of at least one step, or why there is none. */
  async turn(name: string, steps: number, mostSeconds: number): Promise<Turn | string> {
    if (this.#ended) return 'not here, or ended before its time';
    this.#process.stdin!.write(`${name} ${steps} ${mostSeconds}\n`);
    const patience = options.patience;
    let late = false;
    const timer = Number.isFinite(patience)
      ? setTimeout(() => {
          late = true;
          this.#process.kill('SIGKILL');
        }, 1000 * patience)
      : undefined;
    // Whichever event does not come is waited for no more.
    const heard = new AbortController();
    const events = ['line', 'close'].map((event) => once(this.#lines, event, heard));
    const [line] = await Promise.race(events);
    heard.abort();
    clearTimeout(timer);
    if (line !== undefined) return JSON.parse(line as string) as Turn;
    return late ? `no answer in ${patience} s` : 'not here, or ended before its time';
  }

  end(): void {
    this.#process.stdin!.end();
  }
}

interface Measured {
  readonly case: string;
  readonly worker: string;
  readonly medianSeconds: number;
  readonly quartileSeconds: readonly [number, number];
  /** Steps that were timed. */
  readonly steps: number;
  readonly stepsPerSecond: number;
  /** 99th percentile. */
  readonly p99Seconds: number;
  readonly peakMebibytes: number;
  /** Speed against that of the fastest PyTorch. */
  readonly timesPyTorch?: number;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at));
}

/** A worker that was left out of a case. */
interface Absent {
  readonly case: string;
  readonly worker: string;
  readonly reason: string;
}

/** Runs one case on all workers in turns; workers that are not there are left out. */
async function measure(name: string, workers: readonly Worker[], absent: Absent[]): Promise<Measured[]> {
  const { steps, warmUp } = benchCases[name]!;
  const seconds = new Map<Worker, number[]>();
  const peaks = new Map<Worker, number>();
  const left = new Map(workers.map((worker) => [worker, options.seconds]));
  // The first round also makes ready and warms up.
  const running = new Set(workers);
  for (let round = 0; round <= options.rounds; round++) {
    for (const worker of running) {
      const most = left.get(worker)!;
      if (most <= 0 && round > 1) continue;
      const turn = await worker.turn(name, round === 0 ? warmUp : steps, round === 0 ? most / 2 : most);
      if (typeof turn === 'string') {
        absent.push({ case: name, worker: worker.name, reason: turn });
        running.delete(worker);
        continue;
      }
      left.set(worker, most - sumOf(turn.seconds));
      peaks.set(worker, turn.peakBytes);
      if (round > 0) seconds.set(worker, [...(seconds.get(worker) ?? []), ...turn.seconds]);
    }
  }
  const measured = [...seconds].flatMap(([worker, times]): Measured[] => {
    const sorted = times.toSorted((a, b) => a - b);
    if (sorted.length === 0) return [];
    return [
      {
        case: name,
        worker: worker.name,
        medianSeconds: quantile(sorted, 0.5),
        steps: sorted.length,
        stepsPerSecond: 1 / quantile(sorted, 0.5),
        quartileSeconds: [quantile(sorted, 0.25), quantile(sorted, 0.75)],
        p99Seconds: quantile(sorted, 0.99),
        peakMebibytes: Math.round(peaks.get(worker)! / 2 ** 20),
      },
    ];
  });
  const peers = measured.filter(({ worker }) => worker.startsWith('pytorch'));
  if (peers.length === 0) return measured;
  const fastest = Math.min(...peers.map(({ medianSeconds }) => medianSeconds));
  return measured.map((row) => ({ ...row, timesPyTorch: fastest / row.medianSeconds }));
}

const peer = fileURLToPath(new URL('../../bench/peers/training.py', import.meta.url));
const script = fileURLToPath(new URL('./training/worker.js', import.meta.url));
const peerModes: Readonly<Record<string, string>> = {
  pytorch: 'folded',
  'pytorch-loop': 'loop',
  'pytorch-compiled': 'compiled',
};

function start(worker: string): Worker {
  const mode = peerModes[worker];
  return mode === undefined
    ? new Worker(worker, process.execPath, [script, worker, `${options.threads}`])
    : new Worker(worker, options.python, [peer, `${options.threads}`, mode, options.device]);
}

const names = options.cases.split(',');
const rows: Measured[] = [];
const absent: Absent[] = [];
for (const name of names.filter((each) => each !== 'sparse')) {
  // A process for each case, so that peak memory is the case's own.
  const workers = options.workers.split(',').map(start);
  const measured = await measure(name, workers, absent);
  for (const worker of workers) worker.end();
  rows.push(...measured);
  if (!options.json) print(name, measured);
}
const sparse = names.includes('sparse') ? await densities(options.threads, options.rounds) : [];
if (options.json) {
  const threads = options.threads;
  console.log(JSON.stringify({ threads, load: loadavg(), rows, sparse, absent }));
} else {
  if (sparse.length > 0) {
    console.log('spike-driven convolution, speed against oneDNN by share of active inputs');
    for (const { layer, share, forward, filterGradient } of sparse) {
      console.log(
        `  ${layer.padEnd(16)} ${(100 * share).toFixed(0).padStart(3)} %  forward ${forward.toFixed(2)} x  filter gradient ${filterGradient.toFixed(2)} x`,
      );
    }
  }
  for (const { case: name, worker, reason } of absent) console.log(`${name} on ${worker}: ${reason}`);
  console.log(`load ${loadavg()[0]!.toFixed(1)}`);
}

function print(name: string, measured: readonly Measured[]): void {
  const { title, steps } = benchCases[name]!;
  console.log(`${name}: ${title}`);
  const milliseconds = (seconds: number): string => (1000 * seconds).toFixed(seconds < 0.1 ? 2 : 0);
  for (const row of measured) {
    const [low, high] = row.quartileSeconds.map(milliseconds);
    const slowest = steps > 1 ? `  p99 ${milliseconds(row.p99Seconds)}` : '';
    const times = row.timesPyTorch === undefined ? '' : `  ${row.timesPyTorch.toFixed(2)} x PyTorch`;
    const spread = `${milliseconds(row.medianSeconds)} ms [${low}, ${high}]${slowest}`;
    console.log(
      `  ${row.worker.padEnd(16)} ${spread}  ${row.stepsPerSecond.toPrecision(3)} steps/s  ${row.peakMebibytes} MiB${times}`,
    );
  }
}
