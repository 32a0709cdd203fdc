/**
 * The GPU check: `bench/gpu/check.sh` runs it on a machine that has nothing but what was packed. Each engine starts in a
 * process of its own, goes through the conformance suite, and trains beside PyTorch; the table comes last.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { engineNames } from '../../src/engines/engine-names.ts';
import { benchCases } from '../training/cases.ts';
import { type Conformance, conform } from './conformance.ts';
import { lookAtMachine } from './machine.ts';
import { type CheckResult, type EngineResult, reportText, type Timing } from './report.ts';
import { runFor } from './run-for.ts';

const { values: options } = parseArgs({
  options: {
    results: { type: 'string', default: 'bench/results' },
    quick: { type: 'boolean', default: false },
    /** For everything, unpacking included. */
    seconds: { type: 'string', default: '530' },
    spent: { type: 'string', default: '0' },
    python: { type: 'string', default: 'python3' },
  },
});
const root = fileURLToPath(new URL('../../../', import.meta.url));
const { quick, python } = options;
const ends = performance.now() + 1000 * (Number(options.seconds) - Number(options.spent));
/** Plain JavaScript takes minutes for a step: it is there to be compared with. */
const UNTIMED = 'cpu';
/** Engines that take turns apart: a round of theirs outlasts all the others'. Those found slow come to them. */
const slow = new Set(['wasm']);
/** What each worker may compute in a case, and the longest that it may be silent, in seconds. */
const [CASE_SECONDS, PATIENCE] = quick ? [3, 30] : [15, 50];

/** What was not done, with the reason. */
const left: string[] = [];

function secondsLeft(): number {
  return (ends - performance.now()) / 1000;
}

function say(text: string): void {
  console.error(`check: ${text} (${Math.round(secondsLeft())} s left)`);
}

async function startEach(): Promise<Map<string, EngineResult>> {
  const started = new Map<string, EngineResult>();
  const script = join(root, 'dist', 'bench', 'gpu', 'start-engine.js');
  for (const name of engineNames.filter((each) => each !== 'auto')) {
    const { out, timedOut, fault } = await runFor(process.execPath, [script, name], {
      ...{ cwd: root, seconds: 60 },
    });
    const line = out.slice(Math.max(0, out.lastIndexOf('{"')));
    let found: EngineResult;
    try {
      found = JSON.parse(line) as EngineResult;
      if (found.detail !== undefined && fault !== undefined)
        left.push(`${name}: computes, and ends so: ${fault}`);
    } catch {
      found = { reason: timedOut ? 'does not start in 60 s' : `crashes: ${fault ?? 'without a word'}` };
    }
    started.set(name, found);
    say(`${name}: ${found.detail ?? found.reason}`);
  }
  return started;
}

/** Runs a part of the check, and goes on without what it gives where it fails. */
async function attempt<T>(what: string, without: T, part: () => T | Promise<T>): Promise<T> {
  try {
    return await part();
  } catch (error) {
    const fault = `${what}: ${(error as Error).message.split('\n')[0]}`;
    say(fault);
    left.push(fault);
    return without;
  }
}

interface BenchOutput {
  /** Workers that ended before they should. */
  readonly absent: readonly { readonly worker: string; readonly reason: string }[];
  readonly rows: readonly {
    readonly worker: string;
    readonly medianSeconds: number;
    readonly timesPyTorch?: number;
    readonly peakMebibytes: number;
  }[];
}

/** Cases and workers that have had their turn, `CASE on WORKER`. */
const tried = new Set<string>();

async function time(
  name: string,
  workers: readonly string[],
  rounds: number,
  cuda: boolean,
): Promise<Timing[]> {
  for (const worker of workers) tried.add(`${name} on ${worker}`);
  const args = [join(root, 'dist', 'bench', 'train.js'), '--cases', name, '--workers', workers.join()];
  args.push('--rounds', `${rounds}`, '--threads', `${availableParallelism()}`, '--python', python, '--json');
  args.push('--seconds', `${CASE_SECONDS}`, '--patience', `${PATIENCE}`);
  if (cuda) args.push('--device', 'cuda');
  const { out, timedOut, fault } = await runFor(process.execPath, args, {
    cwd: root,
    seconds: Math.min(workers.length > 1 ? 120 : 60, secondsLeft() - 10),
  });
  try {
    const { rows, absent } = JSON.parse(out.slice(out.indexOf('{"'))) as BenchOutput;
    for (const { worker, reason } of absent) {
      left.push(`${name} on ${worker}: ${reason}`);
      slow.add(worker);
    }
    return rows.map(({ worker, medianSeconds, peakMebibytes }) => ({
      case: name,
      worker,
      medianSeconds,
      peakMebibytes,
    }));
  } catch {
    if (timedOut && workers.length > 1 && secondsLeft() > 60) {
      // One that takes too long keeps nothing of the others.
      say(`${name}: each alone`);
      const alone: Timing[] = [];
      for (const worker of workers) alone.push(...(await time(name, [worker], 1, cuda)));
      return alone;
    }
    const what = `${name} on ${workers.join(', ')}: ${timedOut ? 'not done in time' : (fault ?? 'nothing came back')}`;
    say(what);
    left.push(what);
    return [];
  }
}

const machine = lookAtMachine(root, python);
say(`${machine.gpu}; PyTorch ${machine.pytorch}`);
const engines = await attempt('engines', new Map<string, EngineResult>(), startEach);
const ready = [...engines].filter(([, { detail }]) => detail !== undefined).map(([name]) => name);

say('conformance');
// Plain JavaScript takes longest, so it begins.
const inOrder = ready.toSorted((a, b) => Number(b === UNTIMED) - Number(a === UNTIMED));
const atOnce = Math.max(1, Math.min(ready.length, Math.floor(availableParallelism() / 4)));
const conformance = await attempt('conformance', new Map<string, Conformance>(), () =>
  conform(root, inOrder, {
    ...{ quick, atOnce, workers: Math.max(1, Math.min(4, Math.floor(availableParallelism() / atOnce))) },
    seconds: Math.min(240, 0.45 * secondsLeft()),
  }),
);
for (const [name, { passed, failed, fault }] of conformance) {
  say(`${name}: ${passed} passed, ${failed} failed${fault === undefined ? '' : `; ${fault}`}`);
}

const timed = ready.filter((name) => name !== UNTIMED);
const peers = machine.pytorch.startsWith('not here') ? [] : ['pytorch', 'pytorch-loop'];
const names = quick
  ? ['ssnn-48', 'ssnn-48-stream']
  : Object.keys(benchCases).filter((name) => !name.startsWith('dfa'));
const timings: Timing[] = [];
for (const name of names) {
  if (secondsLeft() < 20) {
    left.push(`${name}: no time was left`);
    continue;
  }
  say(name);
  const fast = [...timed, ...peers].filter((each) => !slow.has(each));
  if (fast.length === 0) continue;
  timings.push(...(await attempt(name, [], () => time(name, fast, quick ? 1 : 7, machine.cuda))));
}
for (const name of names) {
  const missing = [...timed, ...peers].filter((each) => slow.has(each) && !tried.has(`${name} on ${each}`));
  for (const worker of missing) {
    if (secondsLeft() < 30) {
      left.push(`${name} on ${worker}: no time was left`);
      continue;
    }
    say(`${name} on ${worker}`);
    timings.push(...(await attempt(name, [], () => time(name, [worker], 1, machine.cuda))));
  }
}

const result: CheckResult = {
  machine,
  quick,
  engines: Object.fromEntries(engines),
  conformance: Object.fromEntries(conformance),
  cases: Object.fromEntries(names.map((name) => [name, benchCases[name]!.title])),
  timings,
  left,
};
const stem = join(options.results, `gpu-${machine.date.slice(0, 16).replace(/[-:]/g, '').replace('T', '-')}`);
await attempt('results', undefined, () => {
  mkdirSync(options.results, { recursive: true });
  writeFileSync(`${stem}.json`, `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(`${stem}.md`, reportText(result));
  console.log(`${stem}.md\n`);
});
console.log(reportText(result));
