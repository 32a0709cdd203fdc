import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningEngine, startEngine } from '../../src/engines/engine.ts';
import {
  averagePool,
  batchNorm,
  convolution,
  type LifParameters,
  lif,
  maxPool,
  normalisedLif,
  surrogateKinds,
} from '../../src/engines/kernels/index.ts';
import { registerKernels } from '../../src/engines/kernels/kernel.ts';
import type { NativeBackend } from '../../src/engines/native/backend.ts';
import type { SparseLimits } from '../../src/engines/native/convolution-forms.ts';
import { nativeForms } from '../../src/engines/native/fused-kernels.ts';
import { nativeState } from '../../src/engines/native.ts';
import { RandomStream } from '../../src/random.ts';

/** Gives tensors from inputs; run on the reference engine and on the native one. */
type Case = (inputs: tf.Tensor[]) => tf.Tensor[];

const ready = nativeState().state === 'ready';
if (!ready) console.warn('native engine not built: its tests are skipped');

function values(shape: number[], name: string, transform = (x: number): number => x): Float32Array {
  const random = new RandomStream(7, name);
  return Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => transform(random.normal(i)));
}

interface Given {
  readonly shape: number[];
  readonly data: Float32Array;
}

const given = (shape: number[], name = `${shape}`, transform?: (x: number) => number): Given => ({
  shape,
  data: values(shape, name, transform),
});

/** Outputs, then the gradients of all inputs of a sum of the outputs with fixed weights. */
async function resultsOf(run: Case, inputs: readonly Given[]): Promise<Float32Array[]> {
  const tensors = inputs.map(({ shape, data }) => tf.tensor(data, shape));
  const outputs = tf.tidy(() => run(tensors));
  const gradients = tf.grads((...given) =>
    tf.addN(
      run(given).map((output, index) =>
        tf.sum(tf.mul(output, tf.tensor(values(output.shape, `weight ${index}`), output.shape))),
      ),
    ),
  )(tensors);
  const results: Float32Array[] = [];
  for (const tensor of [...outputs, ...gradients]) results.push((await tensor.data()) as Float32Array);
  tf.dispose([...tensors, ...outputs, ...gradients]);
  return results;
}

function expectClose(
  actual: readonly Float32Array[],
  expected: readonly Float32Array[],
  tolerance: number,
): void {
  expect(actual.map((array) => array.length)).toEqual(expected.map((array) => array.length));
  actual.forEach((array, index) => {
    const reference = expected[index]!;
    const scale = reference.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
    let worst = 0;
    for (let i = 0; i < array.length; i++)
      worst = Math.max(worst, Math.abs(array[i]! - reference[i]!) / scale);
    expect(worst, `result ${index}`).toBeLessThan(tolerance);
  });
}

const withoutGradient = tf.customGrad((...given) => {
  const x = given[0] as tf.Tensor;
  return { value: tf.clone(x), gradFunc: () => tf.zerosLike(x) };
}) as (x: tf.Tensor) => tf.Tensor;

const leaky: LifParameters = {
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

const neurons: Record<string, LifParameters> = {
  'reset one step later': leaky,
  'zero one step later, gradient through the reset': { ...leaky, reset: 'zero', detachReset: false },
  'subtract one step later, gradient through the reset': { ...leaky, detachReset: false },
  'no reset': { ...leaky, reset: 'none' },
  'subtract in both steps': { ...leaky, resetTiming: 'both', detachReset: false },
  'zero in both steps': { ...leaky, resetTiming: 'both', reset: 'zero' },
  'hard reset at once': {
    ...leaky,
    inputDecayed: true,
    inclusive: true,
    reset: 'zero',
    resetPotential: -0.2,
    rest: 0.1,
    resetTiming: 'after',
    detachReset: false,
  },
  'reset to nothing at once, of decayed input': {
    ...leaky,
    inputDecayed: true,
    inclusive: true,
    reset: 'zero',
    resetTiming: 'after',
    detachReset: false,
  },
  'soft reset at once': { ...leaky, resetTiming: 'after', inclusive: true, detachReset: false },
};
for (const kind of surrogateKinds) {
  neurons[`surrogate ${kind}`] = { ...leaky, surrogate: { kind, amplitude: 0.7, slope: 1.3 } };
}

const run = describe.skipIf(!ready);

run('native engine against the reference forms', () => {
  const cases: { name: string; run: Case; inputs: Given[]; expected?: Float32Array[] }[] = [];
  const add = (name: string, run: Case, ...inputs: Given[]): void => {
    cases.push({ name, run, inputs });
  };

  for (const [maps, height, width, inputs, outputs, kernel, stride, padding] of [
    [2, 8, 8, 3, 16, 3, 1, 'same'],
    [1, 7, 5, 4, 5, 3, 1, 'same'],
    [3, 9, 6, 2, 32, 3, 2, 'same'],
    [2, 8, 8, 16, 64, 1, 1, 'valid'],
    [2, 11, 11, 2, 8, 5, 2, 2],
    [1, 4, 4, 1, 1, 4, 1, 'valid'],
    // By Winograd's method where the processor has it: all three, and the gradients alone.
    [8, 8, 7, 128, 128, 3, 1, 'same'],
    [8, 4, 4, 32, 64, 3, 1, 'same'],
  ] as const) {
    add(
      `convolution ${kernel}x${kernel} stride ${stride} of ${maps}x${height}x${width}x${inputs}`,
      ([x, w]) => [convolution(x!, w!, { stride, padding })],
      given([maps, height, width, inputs]),
      given([kernel, kernel, inputs, outputs]),
    );
  }
  for (const [shape, size] of [
    [[2, 6, 6, 3], 2],
    [[1, 7, 5, 32], 2],
    [[2, 9, 9, 4], 3],
  ] as const) {
    add(`average pool ${size} of ${shape}`, ([x]) => [averagePool(x!, size)], given([...shape]));
    add(`maximum pool ${size} of ${shape}`, ([x]) => [maxPool(x!, size)], given([...shape]));
    const spikes = given([...shape], 'spikes', (x) => (x > 0 ? 1 : 0));
    add(`maximum pool ${size} of spikes ${shape}`, ([x]) => [maxPool(x!, size)], spikes);
  }
  for (const perStep of [false, true]) {
    add(
      `batch normalisation${perStep ? ' per step' : ''}`,
      ([x, gamma, beta]) => [batchNorm(x!, gamma!, beta!, { perStep }).output],
      given([3, 4, 5, 3, 7], 'x', (x) => 3 * x + 10),
      given([7], 'gamma'),
      given([7], 'beta'),
    );
  }
  for (const [name, parameters] of Object.entries(neurons)) {
    add(
      `LIF: ${name}`,
      ([x, decay, state]) => {
        const result = lif(x!, { ...parameters, decay: decay! }, state!, { potentials: true });
        return [result.spikes, result.state, result.potentials];
      },
      given([2, 5, 3, 37], 'x', (x) => 1.2 * x + 0.4),
      { shape: [1], data: Float32Array.of(0.8) },
      given([2, 3, 37], 'state'),
    );
  }

  for (const [batchStatistics, kind, size, repeat] of [
    [true, 'average', 1, 1],
    [true, 'average', 2, 1],
    [false, 'average', 1, 1],
    [false, 'average', 2, 1],
    [true, 'max', 2, 1],
    [false, 'max', 3, 1],
    [true, 'average', 2, 3],
    [false, 'max', 2, 4],
  ] as const) {
    add(
      `normalisation, LIF, ${kind} pool ${size} at once, frames shown ${repeat} times, ${batchStatistics ? 'training' : 'evaluation'}`,
      ([input, gamma, beta, state]) => {
        const [mean, variance] = [given([6], 'mean'), given([6], 'variance', Math.abs)].map(({ data }) =>
          tf.tensor1d(data),
        );
        const statistics = { gamma: gamma!, beta: beta!, mean: mean!, variance: variance!, epsilon: 1e-5 };
        const result = normalisedLif(input!, statistics, leaky, {
          batchStatistics,
          repeat,
          pool: { kind, size },
          state: state!,
        });
        const others = [result.mean, result.variance];
        return [
          result.output,
          result.state,
          result.counts,
          ...others.map((tensor) => withoutGradient(tensor)),
        ];
      },
      given([2, 3, 5, 7, 6], 'x', (x) => 2 * x + 1),
      given([6], 'gamma'),
      given([6], 'beta', (x) => x + 0.7),
      given([2, 5, 7, 6], 'state'),
    );
  }

  const square = given([3, 4, 5]);
  add('add, broadcast', ([a, b]) => [tf.add(a!, b!)], square, given([5]));
  add('subtract, broadcast', ([a, b]) => [tf.sub(a!, b!)], given([4, 1]), square);
  add('multiply, broadcast on both sides', ([a, b]) => [tf.mul(a!, b!)], given([3, 1, 5]), given([4, 1]));
  add(
    'divide',
    ([a, b]) => [tf.div(a!, b!)],
    square,
    given([3, 4, 5], 'd', (x) => Math.abs(x) + 0.5),
  );
  add(
    'maximum and minimum',
    ([a, b]) => [tf.maximum(a!, b!), tf.minimum(a!, b!)],
    square,
    given([3, 4, 5], 'o'),
  );
  add('squared difference', ([a, b]) => [tf.squaredDifference(a!, b!)], square, given([1, 4, 1]));
  add(
    'unary',
    ([x]) => [tf.neg(x!), tf.abs(x!), tf.square(x!), tf.exp(x!), tf.sigmoid(x!), tf.relu(x!)],
    square,
  );
  const positive = given([257], 'p', (x) => Math.abs(x) + 0.1);
  add('roots', ([x]) => [tf.sqrt(x!), tf.rsqrt(x!)], positive);
  for (const axes of [[0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]]) {
    add(`sum and mean over ${axes}`, ([x]) => [tf.sum(x!, axes), tf.mean(x!, axes, true)], square);
  }
  add('sum of many', ([x]) => [tf.sum(x!), tf.sum(x!, 0), tf.max(x!, 1)], given([3000, 70]));
  add('softmax', ([x]) => [tf.softmax(x!), tf.logSoftmax(x!)], given([6, 10]));
  add('transpose', ([x]) => [tf.transpose(x!), tf.transpose(x!, [1, 0, 2])], square);
  add('transpose of six axes', ([x]) => [tf.transpose(x!, [5, 3, 4, 0, 2, 1])], given([2, 3, 2, 3, 2, 3]));
  add('slice', ([x]) => [tf.slice(x!, [1, 0, 2], [2, 3, 2]), tf.slice(x!, [0, 0, 0], [1, 4, 5])], square);
  add(
    'concat and stack',
    ([a, b]) => [tf.concat([a!, b!], 1), tf.stack([a!, a!], 1)],
    square,
    given([3, 2, 5]),
  );
  add(
    'pad',
    ([x]) => [
      tf.pad(x!, [
        [1, 0],
        [0, 2],
        [1, 1],
      ]),
    ],
    square,
  );
  add('unstack', ([x]) => [...tf.unstack(x!), ...tf.unstack(x!, 1), ...tf.unstack(x!, 2)], square);
  add('step', ([x]) => [tf.step(x!), tf.step(x!, 0.5)], square);
  add('reverse', ([x]) => [tf.reverse(x!, [0, 2])], square);
  add('tile and broadcast', ([x]) => [tf.tile(x!, [2, 1, 3]), tf.broadcastTo(x!, [2, 3, 4, 5])], square);
  for (const [transposeA, transposeB] of [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ] as const) {
    add(
      `matrix product ${transposeA ? 'transposed' : 'plain'} by ${transposeB ? 'transposed' : 'plain'}`,
      ([a, b]) => [tf.matMul(a!, b!, transposeA, transposeB)],
      given(transposeA ? [2, 9, 5] : [2, 5, 9], 'a'),
      given(transposeB ? [2, 6, 9] : [2, 9, 6], 'b'),
    );
  }
  add('one matrix for all', ([a, b]) => [tf.matMul(a!, b!)], given([4, 3, 7]), given([7, 2]));

  let engine: RunningEngine;
  beforeAll(async () => {
    const reference = await startEngine('cpu');
    for (const entry of cases) entry.expected = await resultsOf(entry.run, entry.inputs);
    reference.stop();
    engine = await startEngine('native', { threads: 2 });
  });
  afterAll(() => engine?.stop());

  it.each(cases)('$name', async ({ run, inputs, expected }) => {
    const tensors = tf.memory().numTensors;
    expectClose(await resultsOf(run, inputs), expected!, 2e-5);
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it.each([
    { maps: [3, 9, 8, 5], filter: [3, 3], outputs: 48, padding: 1 },
    { maps: [1, 40, 21, 2], filter: [3, 3], outputs: 16, padding: 1 },
    { maps: [5, 6, 7, 70], filter: [3, 3], outputs: 32, padding: 0 },
    { maps: [1, 17, 33, 33], filter: [5, 5], outputs: 80, padding: 2 },
    { maps: [2, 4, 19, 16], filter: [1, 1], outputs: 32, padding: 0 },
    { maps: [2, 5, 6, 3], filter: [2, 7], outputs: 16, padding: 1 },
  ])(
    'gives the same convolutions by active inputs: $maps by $filter',
    async ({ maps, filter, ...others }) => {
      const { outputs, padding } = others;
      const run: Case = ([x, w]) => [
        convolution(x!, w!, { stride: 1, padding }),
        convolution(x!, w!, { stride: 2, padding }),
      ];
      const use = (limits?: SparseLimits): void =>
        registerKernels(
          'native',
          nativeForms(tf.engine().backend as NativeBackend, limits && (() => limits)),
        );
      for (const amount of [(x: number): number => x, (): number => 1]) {
        const spikes = given(maps, 'sparse', (x) => (x > 1 ? amount(x) : 0));
        const inputs = [spikes, given([...filter, maps[3]!, outputs])];
        use({ forward: 0, filterGradient: 0 });
        const dense = await resultsOf(run, inputs);
        use({ forward: 1, filterGradient: 1 });
        const sparse = await resultsOf(run, inputs);
        use();
        expectClose(sparse, dense, 2e-5);
      }
    },
  );

  it('gives the same bits every time', async () => {
    const { run, inputs } = cases[0]!;
    expect(await resultsOf(run, inputs)).toEqual(await resultsOf(run, inputs));
  });

  it('gives empty results for empty batches', async () => {
    const filter = tf.ones([3, 3, 2, 4]);
    const maps = convolution(tf.zeros([0, 8, 8, 2]), filter);
    expect(maps.shape).toEqual([0, 8, 8, 4]);
    expect(averagePool(maps).shape).toEqual([0, 4, 4, 4]);
    const { spikes, state } = lif(tf.zeros([0, 4, 6]), leaky);
    expect([spikes.shape, state.shape]).toEqual([
      [0, 4, 6],
      [0, 6],
    ]);
    expect((await spikes.data()).length).toBe(0);
  });

  it('keeps a value that was read when its tensor is gone', async () => {
    const first = tf.add(tf.ones([1000]), 1);
    const reading = first.data();
    first.dispose();
    const second = tf.add(tf.zeros([1000]), 7);
    expect((await reading)[999]).toBe(2);
    expect((await second.data())[0]).toBe(7);
  });

  it('leaves the event loop free while it computes', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const a = tf.ones([1500, 1500]);
    let product: tf.Tensor = a;
    for (let i = 0; i < 12; i++) product = tf.matMul(product as tf.Tensor2D, a as tf.Tensor2D);
    await product.data();
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
  });
});
