/**
 * Runs cases of the training bench on one engine: `node dist/bench/training/worker.js ENGINE THREADS`, with the dense
 * convolutions alone for ENGINE `limit`, by oneDNN's direct algorithm, and `limit-winograd`, by the faster of its two. For
 * each line `CASE STEPS SECONDS` on standard input it takes so many steps, no further one after so many seconds, and
 * prints a line of JSON: seconds of each step, and the process's peak memory; no seconds where there is nothing to run.
 */
import { createInterface } from 'node:readline';
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../../src/engines/engine.ts';
import type { NativeBackend } from '../../src/engines/native/backend.ts';
import { benchCases, type TimedStep } from './cases.ts';

const [worker = 'auto', threads = '2'] = process.argv.slice(2);
const isLimit = worker.startsWith('limit');
await startEngine((isLimit ? 'native' : worker) as 'auto', { threads: Number(threads) });
if (worker === 'limit') (tf.backend() as NativeBackend).submit('allowWinograd', 0);

function prepare(name: string): TimedStep | Promise<TimedStep> | undefined {
  const benchCase = benchCases[name];
  return isLimit ? benchCase?.prepareLimit?.() : benchCase?.prepare();
}

const prepared = new Map<string, TimedStep | undefined>();
for await (const line of createInterface({ input: process.stdin })) {
  const [name = '', steps = '1', most = 'Infinity'] = line.split(' ');
  if (!prepared.has(name)) {
    prepared.set(name, await prepare(name));
    await prepared.get(name)?.();
  }
  const step = prepared.get(name);
  const seconds: number[] = [];
  const began = performance.now();
  const goesOn = (): boolean =>
    seconds.length === 0 ||
    (seconds.length < Number(steps) && performance.now() - began < 1000 * Number(most));
  while (step !== undefined && goesOn()) {
    const start = performance.now();
    await step();
    seconds.push((performance.now() - start) / 1000);
  }
  console.log(JSON.stringify({ seconds, peakBytes: process.resourceUsage().maxRSS * 1024 }));
}
