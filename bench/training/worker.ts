/**
 * Runs cases of the training bench on one engine: `node dist/bench/training/worker.js ENGINE THREADS`. For each line
 * `CASE STEPS` on standard input it prints a line of JSON: seconds of each step, and the process's peak memory.
 */
import { createInterface } from 'node:readline';
import { startEngine } from '../../src/engines/engine.ts';
import { type TimedStep, trainingCases } from './cases.ts';

const [engine = 'auto', threads = '2'] = process.argv.slice(2);
await startEngine(engine as 'auto', { threads: Number(threads) });
const prepared = new Map<string, TimedStep>();
for await (const line of createInterface({ input: process.stdin })) {
  const [name = '', steps = '1'] = line.split(' ');
  let step = prepared.get(name);
  if (step === undefined) {
    step = trainingCases[name]!.prepare();
    prepared.set(name, step);
    await step();
  }
  const seconds: number[] = [];
  for (let i = 0; i < Number(steps); i++) {
    const start = performance.now();
    await step();
    seconds.push((performance.now() - start) / 1000);
  }
  console.log(JSON.stringify({ seconds, peakBytes: process.resourceUsage().maxRSS * 1024 }));
}
