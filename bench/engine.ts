/**
 * One training step of SSNN at 48x48 (batch 32, steps 8/6/4/2, 32/64/128/256 channels), split by kernel.
 * Never edited casually: its figures are compared with older ones.
 *
 * Kernels that another kernel runs count with it. Processor time is of all threads; on a busy machine it says more
 * than the clock.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type EngineName, startEngine } from '../src/engines/engine.ts';
import { trainingLoss } from '../src/models/losses.ts';
import { createNetwork, outputTensors } from '../src/models/network.ts';
import { ssnnConfig } from '../src/models/networks/ssnn.ts';
import { createOptimiser, globalNorm } from '../src/models/optimisers.ts';
import { sampleLogits } from '../src/models/sample-logits.ts';
import { RandomStream } from '../src/random.ts';
import { benchOptions, json } from './options.ts';

const { options: given } = benchOptions(
  'npm run bench:engine --',
  'One training step of SSNN (steps 8/6/4/2, 32/64/128/256 channels), split by kernel, by the clock and of processor time.',
  {
    engine: { value: 'NAME', help: 'tensor engine', default: 'wasm' },
    threads: { value: 'N,…', help: 'threads, one measurement each', default: '1,2' },
    batch: { value: 'N', help: 'samples of a batch', default: 32 },
    size: { value: 'N', help: 'pixels of a side', default: 48 },
    repeats: { value: 'N', help: 'steps that count', default: 5 },
    json,
  },
);
const { batch, size, repeats } = given;
const warmUp = 3;
const classes = 10;

interface KernelTime {
  wall: number;
  cpu: number;
  calls: number;
}

for (const threads of given.threads.split(',')) await measure(given.engine as EngineName, Number(threads));

async function measure(name: EngineName, threads: number): Promise<void> {
  const engine = await startEngine(name, { threads });
  const config = ssnnConfig({ input: { height: size, width: size, channels: 2 }, classes });
  const network = createNetwork(config, 1);
  const optimiser = createOptimiser(
    { kind: 'adamw', learningRate: 1e-3, weightDecay: 1e-4 },
    network.parameters,
  );
  const trainable = network.parameters.filter((parameter) => parameter.trainable);
  const random = new RandomStream(1, 'bench');
  const steps = config.timesteps[0]!;
  const frames = Float32Array.from({ length: batch * steps * size * size * 2 }, (_, i) =>
    random.uniform(i) < 0.1 ? 1 : 0,
  );
  const labels = Int32Array.from({ length: batch }, (_, i) => i % classes);
  const lengths = new Int32Array(batch).fill(steps);
  const sequence = tf.tensor(frames, [batch, steps, size, size, 2]);

  const train = async (): Promise<number> => {
    const start = performance.now();
    let held: tf.Tensor[] = [];
    const { value, grads } = tf.variableGrads(
      () => {
        const result = network.forward(sequence, { training: true, seed: 1, step: 0 });
        held = outputTensors(result);
        for (const tensor of held) tf.keep(tensor);
        const logits = sampleLogits(result.output, lengths, steps);
        return trainingLoss({ ...result, logits, windows: lengths.map(() => 1) }, labels);
      },
      trainable.map(({ variable }) => variable),
    );
    const gradients = new Map(
      trainable.map((parameter) => [parameter.name, grads[parameter.variable.name]!]),
    );
    const norm = globalNorm(gradients.values());
    await norm.data();
    optimiser.update(gradients, 1e-3, 1);
    tf.dispose([value, norm, ...held, ...gradients.values()]);
    return performance.now() - start;
  };
  const evaluate = async (): Promise<number> => {
    const start = performance.now();
    const result = network.forward(sequence);
    await result.output.data();
    tf.dispose(outputTensors(result));
    return performance.now() - start;
  };

  for (let i = 0; i < warmUp; i++) await train();
  await evaluate();
  const { times, stop } = timeKernels();
  const training = await repeat(train);
  stop();
  const evaluation = await repeat(evaluate);
  report(`${engine.name} (${engine.detail})`, training, evaluation, times);
  optimiser.dispose();
  network.dispose();
  sequence.dispose();
  engine.stop();
}

interface Timing {
  /** Milliseconds of the fastest run, and on average of the clock and of all processors. */
  readonly best: number;
  readonly wall: number;
  readonly cpu: number;
}

async function repeat(run: () => Promise<number>): Promise<Timing> {
  const before = process.cpuUsage();
  const runs: number[] = [];
  for (let i = 0; i < repeats; i++) runs.push(await run());
  const { user, system } = process.cpuUsage(before);
  const wall = runs.reduce((sum, ms) => sum + ms, 0) / repeats;
  return { best: Math.min(...runs), wall, cpu: (user + system) / 1000 / repeats };
}

/** Adds up the time of every kernel that is not run by another kernel. */
function timeKernels(): { times: Map<string, KernelTime>; stop: () => void } {
  const times = new Map<string, KernelTime>();
  const engine = tf.engine();
  const run = engine.runKernel.bind(engine);
  let depth = 0;
  engine.runKernel = ((kernel: string, ...rest: [never, never]) => {
    const start = performance.now();
    const before = process.cpuUsage();
    depth++;
    try {
      return run(kernel, ...rest);
    } finally {
      depth--;
      if (depth === 0) {
        const { user, system } = process.cpuUsage(before);
        const entry = times.get(kernel) ?? { wall: 0, cpu: 0, calls: 0 };
        entry.wall += (performance.now() - start) / repeats;
        entry.cpu += (user + system) / 1000 / repeats;
        entry.calls += 1 / repeats;
        times.set(kernel, entry);
      }
    }
  }) as typeof engine.runKernel;
  return {
    times,
    stop: () => {
      engine.runKernel = run;
    },
  };
}

function report(engine: string, training: Timing, evaluation: Timing, times: Map<string, KernelTime>): void {
  const flops = workOf();
  const kernels = [...times]
    .sort(([, a], [, b]) => b.cpu - a.cpu)
    .map(([kernel, { wall, cpu, calls }]) => {
      const work = flops[kernel];
      return { kernel, calls, wall, cpu, ...(work === undefined ? {} : { gflops: work / wall / 1e6 }) };
    });
  if (given.json) {
    console.log(JSON.stringify({ engine, batch, size, training, evaluation, kernels }));
    return;
  }
  const words = ({ best, wall, cpu }: Timing): string =>
    `best ${best.toFixed(0)} ms (${(best / batch).toFixed(1)} a sample), mean ${wall.toFixed(0)}, processors ${cpu.toFixed(0)}`;
  console.log(`${engine}, batch ${batch} at ${size}x${size}`);
  console.log(`  training step    ${words(training)}`);
  console.log(`  evaluation step  ${words(evaluation)}`);
  console.log(`  ${'kernel'.padEnd(28)} calls  clock ms  processor ms  GFLOP/s`);
  for (const { kernel, calls, wall, cpu, gflops } of kernels.filter(
    (row) => row.cpu > 0.002 * training.cpu,
  )) {
    const columns = [calls.toFixed(0).padStart(5), wall.toFixed(1).padStart(9), cpu.toFixed(1).padStart(13)];
    console.log(
      `  ${kernel.padEnd(28)} ${columns.join(' ')}  ${gflops === undefined ? '' : gflops.toFixed(1).padStart(7)}`,
    );
  }
}

/** Floating-point operations of a step's convolutions, by kernel. */
function workOf(): Record<string, number> {
  const { timesteps, channels } = ssnnConfig({ input: { height: size, width: size, channels: 2 }, classes });
  const inputs = [2, ...channels];
  const forward = timesteps.map((steps, stage) => {
    const side = Math.floor(size / 2 ** stage);
    return 2 * batch * steps * side * side * 9 * inputs[stage]! * inputs[stage + 1]!;
  });
  const total = forward.reduce((sum, work) => sum + work, 0);
  return {
    Convolution: total,
    ConvolutionFilterGradient: total,
    // The first stage's input needs no gradient.
    ConvolutionInputGradient: total - forward[0]!,
  };
}
