import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listEngines, type RunningEngine, startEngine } from '../../src/engines/engine.ts';
import {
  averagePool,
  batchNorm,
  convolution,
  type LifParameters,
  lif,
  normalisedLif,
} from '../../src/engines/kernels/index.ts';
import type { WebGpuBackend } from '../../src/engines/webgpu/backend.ts';
import { WebGpuDevice } from '../../src/engines/webgpu/device.ts';
import { DeviceErrors } from '../../src/engines/webgpu/device-errors.ts';
import type { GpuErrorEvent } from '../../src/engines/webgpu/gpu.ts';
import { webgpuState } from '../../src/engines/webgpu.ts';
import { randomPlain, tensorOf } from './kernels/compare.ts';
import { type Plain, plain } from './kernels/plain.ts';
import { softwareGpu } from './software-gpu.ts';

const gpu = await softwareGpu();
if (typeof gpu === 'string') console.warn(`engine webgpu: its tests are skipped: ${gpu}`);
const run = describe.skipIf(typeof gpu === 'string');

describe('errors of a device', () => {
  function fakeDevice() {
    let listener: (event: GpuErrorEvent) => void = () => {};
    let lose: (info: { reason: string; message: string }) => void = () => {};
    const lost = new Promise<{ reason: string; message: string }>((resolve) => {
      lose = resolve;
    });
    const errors = new DeviceErrors({
      lost,
      addEventListener: (_, given) => {
        listener = given;
      },
    });
    return { errors, lose, fail: (message: string) => listener({ error: { message } }) };
  }

  it('are told once, in one line, with the kernel that a later one names', () => {
    const { errors, fail } = fakeDevice();
    errors.check();
    fail("Error while parsing WGSL: :1:10 error: expected ')'\n fn main( {\n");
    fail('[Invalid ShaderModule "Lif"] is invalid due to a previous error.\n - While validating');
    expect(() => errors.check()).toThrow(
      /^engine webgpu: kernel Lif: Error while parsing WGSL: :1:10 error: expected '\)'$/,
    );
    errors.check();
  });

  it('that end it are told every time', async () => {
    const { errors, lose } = fakeDevice();
    lose({ reason: 'unknown', message: 'VK_ERROR_DEVICE_LOST\nat somewhere' });
    await new Promise(setImmediate);
    for (let i = 0; i < 2; i++) {
      expect(() => errors.check()).toThrow(
        'engine webgpu: the device is lost: VK_ERROR_DEVICE_LOST; start the engine again',
      );
    }
  });

  it('are none where it was given back', async () => {
    const { errors, lose } = fakeDevice();
    lose({ reason: 'destroyed', message: 'device was destroyed' });
    await new Promise(setImmediate);
    errors.check();
  });
});

run('the engine', () => {
  it('is listed with the GPU that it runs on, and not taken by itself where that is software', async () => {
    const info = (await listEngines()).find(({ name }) => name === 'webgpu');
    const { detail, software } = await webgpuState();
    expect(info).toMatchObject({ state: 'ready', title: 'WebGPU', detail });
    if (software) expect(info!.default).toBe(false);
  });

  it('takes a GPU by a part of its name', async () => {
    const { detail } = await webgpuState();
    const word = detail.split(' ')[0]!;
    expect(await webgpuState(word.toUpperCase())).toMatchObject({ state: 'ready', detail });
    const missing = await webgpuState('no such GPU');
    expect(missing).toMatchObject({
      state: 'absent',
      detail: expect.stringMatching(/^expected a GPU whose name has "no such GPU", found ".+"$/),
    });
    await expect(startEngine('webgpu', { adapter: 'no such GPU' })).rejects.toThrow('no such GPU');
  });

  it('starts again after a stop, and not twice at once', async () => {
    const names = ['GPUBuffer', 'GPUMapMode', 'navigator'];
    const before = names.map((name) => Reflect.get(globalThis, name));
    for (let i = 0; i < 2; i++) {
      const engine = await startEngine('webgpu');
      await expect(startEngine('webgpu')).rejects.toThrow('found it running');
      const product = tf.matMul(tf.ones([40, 30]), tf.ones([30, 20]));
      expect((await product.data())[0]).toBe(30);
      engine.stop();
      // What outlives the engine can still be disposed of.
      product.dispose();
    }
    expect(names.map((name) => Reflect.get(globalThis, name))).toStrictEqual(before);
  });
});

run('a running engine', () => {
  let engine: RunningEngine;
  let backend: WebGpuBackend;
  beforeAll(async () => {
    engine = await startEngine('webgpu');
    backend = tf.engine().backend as unknown as WebGpuBackend;
  });
  afterAll(() => engine.stop());

  it('says which kernel fails, and goes on', async () => {
    const device = new WebGpuDevice(backend);
    const output = device.output([4]);
    const shader = { reads: [], writes: ['result'], numbers: {}, body: 'result[thread] = nothing;' };
    device.run('Broken', '', () => shader, { reads: [], writes: [output], numbers: [], groups: 1 });
    const reading = tf.engine().makeTensorFromTensorInfo(output).data();
    await expect(reading).rejects.toThrow(/^engine webgpu: kernel Broken: .*nothing/);
    expect([...(await tf.add(tf.tensor1d([1, 2]), 1).data())]).toStrictEqual([2, 3]);
  });

  it('reads asynchronously only', () => {
    const sum = tf.tidy(() => tf.sum(tf.square(tensorOf(randomPlain([2000], 'x')))));
    expect(() => sum.dataSync()).toThrow('engine webgpu: expected an asynchronous read');
    sum.dispose();
  });

  it('computes with whole numbers that were cast', async () => {
    const found = tf.tidy(() => {
      const mask = tf.cast(tf.greater(tf.square(tensorOf(randomPlain([2000], 'x'))), -1), 'float32');
      return tf.stack([
        tf.sum(mask),
        tf.mean(tf.mul(mask, 3)),
        tf.max(lif(tf.reshape(mask, [1, 4, 500]), leaky).spikes),
      ]);
    });
    const [sum, mean, most] = [...(await found.data())];
    expect([sum, Math.fround(mean! / 3), most].map((value) => value!.toFixed(5))).toStrictEqual([
      '2000.00000',
      '1.00000',
      '1.00000',
    ]);
    found.dispose();
  });

  it('broadcasts over five axes', async () => {
    const shapes = [
      [[2, 3, 4, 5, 6], [6]],
      [
        [2, 3, 4, 5, 6],
        [2, 1, 4, 5, 6],
      ],
      [
        [2, 1, 4, 1, 6],
        [3, 1, 5, 1],
      ],
    ];
    for (const [a, b] of shapes as [number[], number[]][]) {
      const [x, y] = [a, b].map((shape) => tensorOf(randomPlain(shape, `${shape}`)));
      // Through the device: small tensors of JavaScript's memory are computed there.
      const [left, right] = [tf.square(x!), tf.square(y!)];
      const expected = await tf.tidy(() => tf.sqrt(tf.mul(tf.square(tf.add(left, right)), 1))).data();
      const found = await tf.add(left, right).data();
      const [l, r] = [await left.data(), await right.data()];
      expect(found.length).toBe(tf.util.sizeFromShape(tf.broadcast_util.assertAndGetBroadcastShape(a, b)));
      expect(found[0]).toBeCloseTo(l[0]! + r[0]!, 6);
      expect(found.at(-1)).toBeCloseTo(l.at(-1)! + r.at(-1)!, 6);
      found.forEach((value, index) => {
        expect(value).toBeCloseTo(expected[index]!, 5);
      });
    }
  });

  it('gives empty results for empty batches', async () => {
    const maps = convolution(tf.zeros([0, 8, 8, 2]), tf.ones([3, 3, 2, 4]));
    expect(maps.shape).toEqual([0, 8, 8, 4]);
    expect(averagePool(maps).shape).toEqual([0, 4, 4, 4]);
    const { spikes, state } = lif(tf.zeros([0, 4, 6]), leaky);
    expect([spikes.shape, state.shape]).toEqual([
      [0, 4, 6],
      [0, 6],
    ]);
    expect((await spikes.data()).length).toBe(0);
    expect((await tf.sum(tf.zeros([0, 3]), 0).data()).length).toBe(3);
  });

  it('keeps a value that was read when its tensor is gone', async () => {
    const first = tf.add(tf.ones([3000]), 1);
    const reading = first.data();
    first.dispose();
    const second = tf.add(tf.zeros([3000]), 7);
    expect((await reading)[2999]).toBe(2);
    expect((await second.data())[0]).toBe(7);
  });

  it('normalises what lies far from zero without losing digits', async () => {
    const values = randomPlain([700, 3], 'far');
    const input = tf.add(tensorOf(values), 1000);
    const { mean, variance } = batchNorm(input, tf.ones([3]), tf.zeros([3]));
    const read = await input.data();
    const [means, variances] = [await mean.data(), await variance.data()];
    for (let channel = 0; channel < 3; channel++) {
      const own = Array.from({ length: 700 }, (_, row) => read[3 * row + channel]!);
      const average = own.reduce((sum, value) => sum + value, 0) / 700;
      const squares = own.reduce((sum, value) => sum + (value - average) ** 2, 0);
      expect(means[channel]! / average).toBeCloseTo(1, 6);
      expect(variances[channel]! / (squares / 699)).toBeCloseTo(1, 4);
    }
  });
});

const leaky: LifParameters = {
  ...{ decay: 0.9, inputDecayed: false, threshold: 1, inclusive: false, detachReset: true },
  ...{ reset: 'subtract', resetPotential: 0, rest: 0, resetTiming: 'before' },
  surrogate: { kind: 'atan', amplitude: 1, slope: Math.PI },
};

/** A call of the kernel of normalisation, neurons and pool. */
interface FusedCase {
  readonly title: string;
  readonly training: boolean;
  readonly pool: { readonly kind: 'average' | 'max'; readonly size: number };
  readonly repeat: number;
  readonly shape: readonly [number, number, number, number, number];
  /** What is learned beside scale and shift: nothing, numbers for all, or for each channel. */
  readonly learned?: 'shared' | 'by channel';
  /** Whether the loss looks at the pooled spikes alone. */
  readonly outputOnly?: boolean;
}

const average = (size: number) => ({ kind: 'average', size }) as const;
const maximum = (size: number) => ({ kind: 'max', size }) as const;
const fusedCases: FusedCase[] = [
  { title: 'training', training: true, pool: average(1), repeat: 1, shape: [2, 3, 5, 7, 6] },
  { title: 'training, pooled', training: true, pool: average(2), repeat: 1, shape: [2, 3, 5, 7, 6] },
  { title: 'evaluation, shown', training: false, pool: average(2), repeat: 3, shape: [2, 2, 4, 5, 70] },
  { title: 'evaluation', training: false, pool: maximum(3), repeat: 1, shape: [1, 3, 7, 6, 3] },
  { title: 'maxima, shown', training: true, pool: maximum(2), repeat: 4, shape: [2, 2, 5, 6, 5] },
  {
    ...{ title: 'many steps', training: true, pool: average(2), repeat: 5, shape: [1, 6, 3, 4, 2] as const },
    learned: 'shared',
  },
  {
    ...{ title: 'learned', training: true, pool: average(1), repeat: 1, shape: [3, 4, 2, 3, 9] as const },
    ...{ learned: 'by channel', outputOnly: true },
  },
  { title: 'a large pool', training: true, pool: average(5), repeat: 1, shape: [2, 2, 6, 10, 4] },
];

function inputsOf({ shape, learned }: FusedCase): Plain[] {
  const [batch, , height, width, channels] = shape;
  const small = (name: string, count: number, shift: number, factor: number): Plain => {
    const draws = randomPlain([count], name);
    return plain([count], (index) => Math.fround(shift + factor * draws.values[index]!));
  };
  const wide = randomPlain(shape, 'input');
  const numbers = learned === 'by channel' ? channels : 1;
  return [
    plain(shape, (index) => Math.fround(2 * wide.values[index]! + 1)),
    small('gamma', channels, 1.5, 0.5),
    small('beta', channels, 0.7, 0.5),
    randomPlain([batch, height, width, channels], 'state'),
    ...(learned === undefined
      ? []
      : [small('decay', numbers, 0.8, 0.1), small('threshold', numbers, 1, 0.1)]),
  ];
}

/** Outputs and gradients of a case on the running engine. */
async function fusedResults(entry: FusedCase): Promise<Float32Array[]> {
  const { training, pool, repeat, shape, outputOnly } = entry;
  const channels = shape[4];
  const given = inputsOf(entry).map(tensorOf);
  const mean = tensorOf(randomPlain([channels], 'mean'));
  const variance = tf.tidy(() => tf.add(tensorOf(randomPlain([channels], 'variance')), 1.5));
  const call = ([input, gamma, beta, state, decay, threshold]: tf.Tensor[]) =>
    normalisedLif(
      input!,
      { gamma: gamma!, beta: beta!, mean, variance, epsilon: 1e-5 },
      { ...leaky, ...(decay && { decay }), ...(threshold && { threshold }) },
      { batchStatistics: training, repeat, pool, state: state! },
    );
  const outputs = tf.tidy(() => {
    const { output, state, mean: own, variance: unbiased, counts } = call(given);
    return [output, state, counts, ...(training ? [own, unbiased] : [])];
  });
  const gradients = tf.grads((...tensors) => {
    const { output, state, counts } = call(tensors);
    const terms = (outputOnly ? [output] : [output, state, counts]).map((tensor, index) =>
      tf.sum(tf.mul(tensor, tensorOf(randomPlain(tensor.shape, `weight ${index}`)))),
    );
    return tf.addN(terms);
  })(given);
  const read: Float32Array[] = [];
  for (const tensor of [...outputs, ...gradients]) read.push((await tensor.data()) as Float32Array);
  tf.dispose([...given, mean, variance, ...outputs, ...gradients]);
  return read;
}

run('normalisation, LIF and pool at once', () => {
  const expected = new Map<string, Float32Array[]>();
  let engine: RunningEngine;
  beforeAll(async () => {
    const reference = await startEngine('cpu');
    for (const entry of fusedCases) expected.set(entry.title, await fusedResults(entry));
    reference.stop();
    engine = await startEngine('webgpu');
  });
  afterAll(() => engine.stop());

  it.each(fusedCases)('$title', async (entry) => {
    const { numTensors } = tf.memory();
    const found = await fusedResults(entry);
    expect(tf.memory().numTensors).toBe(numTensors);
    const reference = expected.get(entry.title)!;
    expect(found.map(({ length }) => length)).toStrictEqual(reference.map(({ length }) => length));
    found.forEach((values, part) => {
      const scale = reference[part]!.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
      values.forEach((value, index) => {
        expect(Math.abs(value - reference[part]![index]!) / scale, `result ${part}`).toBeLessThan(2e-5);
      });
    });
  });
});

const built = fileURLToPath(new URL('../../dist/src/engines/webgpu.js', import.meta.url));

run('a process of its own', () => {
  it.skipIf(!existsSync(built))('ends by itself, stopped or not, busy or not', async () => {
    const engineFile = pathToFileURL(built.replace('webgpu.js', 'engine.js')).href;
    for (const last of [
      '',
      'engine.stop();',
      'const more = tf.matMul(sum, sum).data(); more.catch(() => {}); process.exit();',
    ]) {
      const script = `
        import * as tf from '@tensorflow/tfjs-core';
        import { startEngine } from ${JSON.stringify(engineFile)};
        const engine = await startEngine('webgpu');
        const sum = tf.matMul(tf.ones([70, 50]), tf.ones([50, 70]));
        console.log(engine.name, String((await sum.data())[0]));
        ${last}`;
      const { FORCE_COLOR: _force, NO_COLOR: _no, ...env } = process.env;
      const environment = typeof gpu === 'string' ? {} : gpu.environment;
      const { stdout, stderr } = await promisify(execFile)(
        process.execPath,
        ['--input-type=module', '--eval', script],
        { cwd: dirname(built), env: { ...env, ...environment } },
      );
      expect({ stdout, stderr }).toStrictEqual({ stdout: 'webgpu 50\n', stderr: '' });
    }
  });
});
