/**
 * One training step of a network like SSNN, split by kernel, in milliseconds and GFLOP/s.
 * Usage: node dist/bench/engine.js [threads, default 1,2] [batch, default 32] [size, default 48] [engine, default wasm]
 */
import * as tf from '@tensorflow/tfjs-core';
import { type EngineName, startEngine } from '../src/engines/engine.ts';
import {
  averagePool,
  batchNorm,
  convolution,
  type LifParameters,
  lif,
} from '../src/engines/kernels/index.ts';
import { RandomStream } from '../src/random.ts';

const CHANNELS = [2, 32, 64, 128, 256];
const STEPS = [8, 6, 4, 2];
const CLASSES = 10;
const WARM_UP = 2;
const REPEATS = 4;

const neuron: LifParameters = {
  decay: 0.9,
  inputDecayed: false,
  threshold: 1,
  inclusive: false,
  reset: 'subtract',
  resetPotential: 0,
  rest: 0,
  resetTiming: 'before',
  detachReset: true,
  surrogate: { kind: 'atan', amplitude: 1, slope: Math.PI },
};

const [threadList = '1,2', batchText = '32', sizeText = '48', engineName = 'wasm'] = process.argv.slice(2);
for (const threads of threadList.split(',')) {
  await measure(engineName as EngineName, Number(threads), Number(batchText), Number(sizeText));
}

async function measure(name: EngineName, threads: number, batch: number, size: number): Promise<void> {
  const engine = await startEngine(name, { threads });
  const random = new RandomStream(1, 'bench');
  const values = (count: number, value: (i: number) => number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => value(i));
  const frames = values(batch * STEPS[0]! * size * size * CHANNELS[0]!, (i) =>
    random.uniform(i) < 0.1 ? 1 : 0,
  );
  const input = tf.tensor(frames, [batch, STEPS[0]!, size, size, CHANNELS[0]!]);
  const variables: tf.Variable[] = [];
  const variable = (shape: number[], deviation: number, mean = 0): tf.Variable => {
    const count = tf.util.sizeFromShape(shape);
    const made = tf.variable(
      tf.tensor(
        values(count, (i) => mean + deviation * random.normal(i)),
        shape,
      ),
    );
    variables.push(made);
    return made;
  };
  const stages = STEPS.map((steps, stage) => ({
    steps,
    filter: variable([3, 3, CHANNELS[stage]!, CHANNELS[stage + 1]!], 1 / Math.sqrt(4.5 * CHANNELS[stage]!)),
    gamma: variable([CHANNELS[stage + 1]!], 0, 1),
    beta: variable([CHANNELS[stage + 1]!], 0),
  }));
  const weight = variable([CHANNELS.at(-1)!, CLASSES], 0.05);

  const loss = (): tf.Scalar => {
    let sequence: tf.Tensor = input;
    let previous = STEPS[0]!;
    for (const { steps, filter, gamma, beta } of stages) {
      if (steps < previous) sequence = tf.slice(sequence, [0, 0], [-1, steps]);
      previous = steps;
      const [, , height, width, channels] = sequence.shape as number[];
      const maps = convolution(tf.reshape(sequence, [batch * steps, height!, width!, channels!]), filter);
      const normal = batchNorm(maps, gamma, beta).output;
      const spikes = lif(tf.reshape(normal, [batch, steps, ...maps.shape.slice(1)]), neuron).spikes;
      const pooled = averagePool(tf.reshape(spikes, maps.shape));
      sequence = tf.reshape(pooled, [batch, steps, ...pooled.shape.slice(1)]);
    }
    const logits = tf.matMul(tf.mean(sequence, [1, 2, 3]) as tf.Tensor2D, weight as tf.Tensor2D);
    return tf.mean(tf.square(logits)) as tf.Scalar;
  };
  const step = async (): Promise<number> => {
    const start = performance.now();
    const { value, grads } = tf.variableGrads(loss, variables);
    await value.data();
    tf.dispose([value, ...Object.values(grads)]);
    return performance.now() - start;
  };

  for (let i = 0; i < WARM_UP; i++) await step();
  const times = new Map<string, KernelTime>();
  const stop = timeKernels(times);
  let best = Number.POSITIVE_INFINITY;
  const before = process.cpuUsage();
  const start = performance.now();
  for (let i = 0; i < REPEATS; i++) best = Math.min(best, await step());
  const wall = performance.now() - start;
  const used = process.cpuUsage(before);
  stop();

  const flops = workOf(batch, size);
  const processors = (used.user + used.system) / 1000 / wall;
  console.log(
    `${engine.name}, ${engine.detail}: batch ${batch} at ${size}x${size}: best ${best.toFixed(0)} ms a step, ` +
      `${(best / batch).toFixed(1)} ms a sample; on average ${(wall / REPEATS).toFixed(0)} ms wall, ` +
      `${((processors * wall) / REPEATS).toFixed(0)} ms cpu`,
  );
  const rows = [...times]
    .sort(([, a], [, b]) => b.cpu - a.cpu)
    .filter(([, { cpu }]) => cpu / REPEATS > 0.003 * best);
  console.log(`  ${'kernel'.padEnd(28)} calls  wall ms   cpu ms  GFLOP/s of a processor`);
  for (const [kernel, { wall, cpu, calls }] of rows) {
    const work = flops[kernel];
    const rate = work === undefined ? '' : ((work * REPEATS) / cpu / 1e6).toFixed(1);
    const column = (value: number): string => (value / REPEATS).toFixed(1).padStart(8);
    console.log(
      `  ${kernel.padEnd(28)} ${(calls / REPEATS).toFixed(0).padStart(5)} ${column(wall)} ${column(cpu)}  ${rate}`,
    );
  }
  tf.dispose([input, ...variables]);
  engine.stop();
}

interface KernelTime {
  wall: number;
  cpu: number;
  calls: number;
}

/** Adds up the time of every kernel that is not run by another kernel; gives a function that stops it. */
function timeKernels(times: Map<string, KernelTime>): () => void {
  const engine = tf.engine();
  const run = engine.runKernel.bind(engine);
  let depth = 0;
  engine.runKernel = ((kernel: string, ...rest: [never, never]) => {
    const start = performance.now();
    const cpuStart = process.cpuUsage();
    depth++;
    try {
      return run(kernel, ...rest);
    } finally {
      depth--;
      if (depth === 0) {
        const cpu = process.cpuUsage(cpuStart);
        const entry = times.get(kernel) ?? { wall: 0, cpu: 0, calls: 0 };
        entry.wall += performance.now() - start;
        entry.cpu += (cpu.user + cpu.system) / 1000;
        entry.calls++;
        times.set(kernel, entry);
      }
    }
  }) as typeof engine.runKernel;
  return () => {
    engine.runKernel = run;
  };
}

/** Floating-point operations of a step's convolutions, by kernel. */
function workOf(batch: number, size: number): Record<string, number> {
  const forward = STEPS.map((steps, stage) => {
    const side = Math.floor(size / 2 ** stage);
    return 2 * batch * steps * side * side * 9 * CHANNELS[stage]! * CHANNELS[stage + 1]!;
  });
  const total = forward.reduce((sum, work) => sum + work, 0);
  // The first stage's input needs no gradient.
  return {
    Convolution: total,
    ConvolutionFilterGradient: total,
    ConvolutionInputGradient: total - forward[0]!,
  };
}
