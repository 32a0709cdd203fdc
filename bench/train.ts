/**
 * Training speed side by side: `npm run bench:train -- [--cases A,B] [--engines native,wasm] [--rounds N] [--threads N]
 * [--python PATH] [--json]`. Every engine and PyTorch run in a process of their own and take turns, one step each, so
 * that what else the machine does meets all of them. Prints the median step with its quartiles, speed against PyTorch,
 * and peak memory. PyTorch is bench/peers/training.py, run by --python (default python3); a peer that is not there is
 * left out and named.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { trainingCases } from './training/cases.ts';

const { values: options } = parseArgs({
  options: {
    cases: { type: 'string', default: Object.keys(trainingCases).join() },
    engines: { type: 'string', default: 'native,wasm' },
    rounds: { type: 'string', default: '7' },
    threads: { type: 'string', default: '2' },
    python: { type: 'string', default: 'python3' },
    json: { type: 'boolean', default: false },
  },
});

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

  constructor(name: string, command: string, commandArguments: string[]) {
    this.name = name;
    this.#process = spawn(command, commandArguments, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process.on('error', () => undefined);
    this.#process.stdin!.on('error', () => undefined);
    this.#lines = createInterface({ input: this.#process.stdout! });
  }

  /** One turn, or undefined where the worker has ended. */
  async turn(name: string, steps: number): Promise<Turn | undefined> {
    this.#process.stdin!.write(`${name} ${steps}\n`);
    const [line] = await Promise.race([once(this.#lines, 'line'), once(this.#lines, 'close')]);
    return line === undefined ? undefined : (JSON.parse(line as string) as Turn);
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
  readonly peakMebibytes: number;
  /** Speed against PyTorch's. */
  readonly timesPyTorch?: number;
}

function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at));
}

/** Runs one case on all workers in turns; workers that are not there are left out. */
async function measure(name: string, workers: readonly Worker[], absent: Set<string>): Promise<Measured[]> {
  const seconds = new Map<Worker, number[]>();
  const peaks = new Map<Worker, number>();
  // The first round also makes ready and warms up.
  for (let round = 0; round <= Number(options.rounds); round++) {
    for (const worker of workers) {
      const turn = await worker.turn(name, 1);
      if (turn === undefined) absent.add(worker.name);
      else if (round > 0) seconds.set(worker, [...(seconds.get(worker) ?? []), ...turn.seconds]);
      if (turn !== undefined) peaks.set(worker, turn.peakBytes);
    }
  }
  const measured = [...seconds].map(([worker, times]): Measured => {
    const sorted = times.toSorted((a, b) => a - b);
    return {
      case: name,
      worker: worker.name,
      medianSeconds: quantile(sorted, 0.5),
      quartileSeconds: [quantile(sorted, 0.25), quantile(sorted, 0.75)],
      peakMebibytes: Math.round(peaks.get(worker)! / 2 ** 20),
    };
  });
  const torch = measured.find(({ worker }) => worker === 'pytorch')?.medianSeconds;
  return torch === undefined
    ? measured
    : measured.map((row) => ({ ...row, timesPyTorch: torch / row.medianSeconds }));
}

const peer = fileURLToPath(new URL('../../bench/peers/training.py', import.meta.url));
const script = fileURLToPath(new URL('./training/worker.js', import.meta.url));
const rows: Measured[] = [];
const absent = new Set<string>();
for (const name of options.cases.split(',')) {
  // A process for each case, so that peak memory is the case's own.
  const workers = [
    ...options.engines
      .split(',')
      .map((engine) => new Worker(engine, process.execPath, [script, engine, options.threads])),
    new Worker('pytorch', options.python, [peer, options.threads]),
  ];
  rows.push(...(await measure(name, workers, absent)));
  for (const worker of workers) worker.end();
}
if (options.json)
  console.log(JSON.stringify({ threads: Number(options.threads), rows, absent: [...absent] }));
else {
  for (const row of rows) {
    const [low, high] = row.quartileSeconds;
    const times = row.timesPyTorch === undefined ? '' : `  ${row.timesPyTorch.toFixed(2)} x PyTorch`;
    const spread = `${row.medianSeconds.toFixed(3)} s [${low.toFixed(3)}, ${high.toFixed(3)}]`;
    console.log(`${row.case.padEnd(12)} ${row.worker.padEnd(8)} ${spread}  ${row.peakMebibytes} MiB${times}`);
  }
  for (const name of absent) console.log(`${name}: not here, left out`);
}
