import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import cifar10DvsTrain from '../../pipelines/cifar10dvs-train.ts';
import { loadPipeline, pipelineNames } from '../../pipelines/index.ts';
import nmnistTrain from '../../pipelines/nmnist-train.ts';
import { engineNames } from '../../src/engines/engine.ts';
import { decodeCheckpoint } from '../../src/models/checkpoint.ts';
import { capture, runCaptured, timeless, timelessMetrics, writeTinyNmnist } from './training-harness.ts';

let folder: string;
let nmnist: string;
const home = process.cwd();
let runs = 0;
const fresh = (): string => join(folder, `run-${runs++}`);
const common = { engine: 'wasm', threads: 1, batchSize: 8, epochs: 2, report: 'none' };
const shapes = { ...common, preset: 'quick', recordings: 40, sensor: 16, size: 16 };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxspike-training-'));
  nmnist = join(folder, 'nmnist');
  await writeTinyNmnist(nmnist, { train: 3, test: 1 });
  // What lies in data and .cache of the working directory must not decide.
  process.chdir(folder);
});
afterAll(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true, force: true });
});

describe('the registry', () => {
  it('loads every pipeline by its name', async () => {
    for (const name of pipelineNames()) expect((await loadPipeline(name)).name).toBe(name);
    await expect(loadPipeline('toString')).rejects.toThrow(
      /no pipeline named "toString"; there are cifar10dvs-train/,
    );
  });

  it('offers the engines that there are', () => {
    expect([...nmnistTrain.options.engine.choices!].sort()).toStrictEqual([...engineNames].sort());
  });
});

describe('nmnist-train', () => {
  const given = () => ({ ...common, data: nmnist, size: 16, bins: 4, out: fresh() });

  it('prints the lines that the command line promises', async () => {
    const options = given();
    const { lines, notes, text } = await runCaptured(nmnistTrain, options);
    expect(lines.map(({ type }) => type)).toStrictEqual(['epoch', 'epoch', 'result']);
    expect(Object.keys(lines[0]!)).toStrictEqual(
      'type model epoch learningRate trainLoss trainAccuracy validationLoss validationAccuracy testLoss testAccuracy spikeRate layerRates seconds samplesPerSecond'.split(
        ' ',
      ),
    );
    expect(Object.keys(lines[2]!)).toStrictEqual(
      'type model testAccuracy bestEpoch spikeRate parameters effectiveAcs effectiveMacs energyPicojoules seconds engine simulated runDir'.split(
        ' ',
      ),
    );
    expect(lines[0]).toMatchObject({ model: 'nmnist-net', epoch: 1, learningRate: 6e-3 });
    expect(Object.keys(lines[0]!['layerRates'] as object)).toStrictEqual(['lif1', 'lif2']);
    expect(lines[2]).toMatchObject({ engine: 'wasm', simulated: false, runDir: options.out });
    const best = lines[(lines[2]!['bestEpoch'] as number) - 1]!;
    expect(lines[2]!['testAccuracy']).toBe(best['testAccuracy']);
    expect(text.length).toBeGreaterThan(0);
    expect(notes.join()).toContain('engine wasm');
  });

  it('keeps configuration, split, metrics, checkpoints and result', async () => {
    const { out, ...options } = given();
    const { lines } = await runCaptured(nmnistTrain, { ...options, out });
    const json = async (name: string) => JSON.parse(await readFile(join(out, name), 'utf8'));
    expect(await json('config.json')).toMatchObject({
      pipeline: 'nmnist-train',
      options: { ...options, lr: 6e-3, preset: 'notebook' },
      engine: { name: 'wasm', threads: 1 },
      networks: ['nmnist-net'],
    });
    const split = await json('split.json');
    expect([split.train.length, split.validation.length, split.test.length]).toStrictEqual([27, 3, 10]);
    expect(await readFile(join(out, 'metrics.jsonl'), 'utf8')).toBe(
      lines
        .slice(0, 2)
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    );
    expect(await json('result.json')).toStrictEqual({ best: 'nmnist-net', results: [lines[2]] });
    const { part, epoch, confusion, work, raster } = await json('measures/nmnist-net.json');
    expect([part, epoch]).toStrictEqual(['test', lines[2]!['bestEpoch']]);
    expect(confusion.map((row: number[]) => row.reduce((sum, count) => sum + count))).toStrictEqual(
      new Array(10).fill(1),
    );
    const found = confusion.reduce((sum: number, row: number[], label: number) => sum + row[label]!, 0);
    expect(found / 10).toBe(lines[2]!['testAccuracy']);
    expect(work).toMatchObject({ samples: 10, effectiveMacs: lines[2]!['effectiveMacs'] });
    expect(work.layers.map(({ layer }: { layer: string }) => layer)).toStrictEqual([
      'convolution1',
      'convolution2',
      'readout',
    ]);
    // In-bounds taps of a side are 3 n - 2; two polarities, 16 and 32 maps, four bins.
    expect(work.dense).toBe(4 * (46 * 46 * 2 * 16 + 22 * 22 * 16 * 32 + 16 * 32 * 10));
    expect(work.energyPicojoules).toBeCloseTo(4.6 * work.effectiveMacs + 0.9 * work.effectiveAcs, 3);
    expect(raster.layers.map(({ steps, neurons }: Record<string, number>) => [steps, neurons])).toStrictEqual(
      [
        [4, 16 * 16 * 16],
        [4, 8 * 8 * 32],
      ],
    );
    for (const kind of ['best', 'last']) {
      const checkpoint = decodeCheckpoint(
        await readFile(join(out, 'checkpoints', `nmnist-net-${kind}.safetensors`)),
      );
      expect(checkpoint.feed).toMatchObject({ frame: { width: 16 }, binning: { kind: 'count', bins: 4 } });
      expect(checkpoint.feed.binMicros).toBeCloseTo((125 * 239) / 4, -2);
      expect(checkpoint.optimiser?.step).toBe(kind === 'last' ? 8 : 4 * (lines[2]!['bestEpoch'] as number));
    }
  });

  it('draws its report when it ends, also when it is stopped, and none on request', async () => {
    const reports = async (out: string) => (await readdir(out)).filter((name) => name.startsWith('report'));
    const all = ['report.html', 'report.png', 'report.svg'];
    const [stopped, early, none] = [fresh(), fresh(), fresh()];
    // Every epoch has four batches of training, one of validation, two of test.
    await runCaptured(
      nmnistTrain,
      { ...given(), out: stopped, report: 'all' },
      capture(true, (abort, count) => count === 9 && abort()),
    );
    expect(await reports(stopped)).toStrictEqual(all);
    expect(await readFile(join(stopped, 'report.html'), 'utf8')).toMatch(/1 of 1[^0-9]/);
    await runCaptured(nmnistTrain, { resume: stopped });
    expect(await readFile(join(stopped, 'report.html'), 'utf8')).toMatch(/[12] of 2[^0-9]/);
    await runCaptured(
      nmnistTrain,
      { ...given(), out: early, report: 'all' },
      capture(true, (abort, count) => count === 2 && abort()),
    );
    expect(await reports(early)).toStrictEqual([]);
    await runCaptured(nmnistTrain, { ...given(), out: none, epochs: 1 });
    expect(await reports(none)).toStrictEqual([]);
  });

  it('gives the same bits twice, and others with another seed', async () => {
    const runOf = async (seed: number) =>
      (await runCaptured(nmnistTrain, { ...given(), seed })).lines.slice(0, 2).map(timeless);
    const [first, second, other] = [await runOf(1), await runOf(1), await runOf(2)];
    expect(second).toStrictEqual(first);
    expect(other).not.toStrictEqual(first);
  });

  it('needs no cache for its numbers', async () => {
    const lines = async (cache: number) =>
      (await runCaptured(nmnistTrain, { ...given(), cache })).lines.slice(0, 2).map(timeless);
    expect(await lines(0)).toStrictEqual(await lines(64));
  });

  it('holds as many tensors after every epoch', async () => {
    const counts: number[] = [];
    const captured = capture();
    const emit = (line: object): void => {
      captured.context.emit(line);
      counts.push(tf.memory().numTensors);
    };
    await nmnistTrain.start({ ...given(), epochs: 4 }, { ...captured.context, emit });
    expect(counts.slice(0, 4)).toStrictEqual(Array(4).fill(counts[0]));
  });

  it('limits every part, all classes alike', async () => {
    const options = { ...given(), limit: 10, epochs: 1 };
    await runCaptured(nmnistTrain, options);
    const split = JSON.parse(await readFile(join(options.out, 'split.json'), 'utf8'));
    const digits = [...split.train, ...split.validation].map((id: string) => id.split('/')[1]);
    expect(digits.sort()).toStrictEqual([...'0123456789']);
    expect(split.test.length).toBe(10);
  });

  it('says in one line what is wrong with its data', async () => {
    const message = async (options: object) =>
      runCaptured(nmnistTrain, { ...given(), ...options }).then(
        () => 'no error',
        (error: Error) => `${error.name}: ${error.message}`,
      );
    expect(await message({ data: undefined })).toMatch(
      /^OptionError: --data: expected the folder of N-MNIST .*http.*$/,
    );
    expect(await message({ data: join(folder, 'nowhere') })).toMatch(/^InputError: .*nowhere.*$/);
    expect(await message({ data: join(folder, 'nmnist', 'Train', '0') })).toMatch(
      /^InputError: .*N-MNIST.*$/,
    );
    const part = async (name: string) => message({ data: join(folder, name) });
    await writeTinyNmnist(join(folder, 'tests'), { train: 0, test: 1 });
    expect(await part('tests')).toMatch(/^InputError: .*tests: expected samples to train on, found none$/);
    await writeTinyNmnist(join(folder, 'trains'), { train: 1, test: 0 });
    expect(await message({ data: join(folder, 'trains'), validation: 0 })).toMatch(
      /trains: expected samples to hold out/,
    );
    expect(await message({ size: 64 })).toMatch(
      /^OptionError: --size: expected at most the sensor's 34 x 34, found 64$/,
    );
  });
});

describe('going on', () => {
  const given = { ...common, size: 16, bins: 4, epochs: 3, schedule: 'cosine' };

  it('after Ctrl-C in any batch ends with the same bits', async () => {
    const whole = { ...given, data: nmnist, out: fresh() };
    const { updates } = await runCaptured(nmnistTrain, whole);
    const expected = await timelessMetrics(whole.out);
    const json = (out: string, name: string) => readFile(join(out, name), 'utf8').then(JSON.parse);
    const measures = (out: string) => json(out, join('measures', 'nmnist-net.json'));
    const expectedResult = (await json(whole.out, 'result.json')).results[0];
    const expectedMeasures = await measures(whole.out);
    // Every update is a batch of training, validation or test.
    for (let stop = 1; stop < updates.length; stop += 4) {
      const out = fresh();
      const stopping = capture(true, (abort, count) => count === stop && abort());
      await runCaptured(nmnistTrain, { ...whole, out }, stopping);
      // The batch that was under way is finished.
      expect(stopping.updates.length - stop).toBeLessThanOrEqual(1);
      expect(stopping.notes.at(-1)).toBe(
        `stopped, and saved; go on with: pipeline run nmnist-train --resume ${out}`,
      );
      await runCaptured(nmnistTrain, { resume: out });
      expect(await timelessMetrics(out)).toStrictEqual(expected);
      const { seconds, runDir, ...reached } = (await json(out, 'result.json')).results[0];
      expect(expectedResult).toMatchObject(reached);
      expect(await measures(out)).toStrictEqual(expectedMeasures);
    }
  });

  it('repeats the result of a finished run, and goes on to more epochs', async () => {
    const out = fresh();
    const { lines } = await runCaptured(nmnistTrain, {
      ...given,
      schedule: 'constant',
      data: nmnist,
      out,
      epochs: 1,
    });
    const begun = JSON.parse(await readFile(join(out, 'config.json'), 'utf8')).startedAt;
    expect((await runCaptured(nmnistTrain, { resume: out })).lines).toStrictEqual([lines[1]]);
    const more = await runCaptured(nmnistTrain, { resume: out, epochs: 2 });
    const { options, startedAt } = JSON.parse(await readFile(join(out, 'config.json'), 'utf8'));
    expect([options.epochs, options.resume, startedAt]).toStrictEqual([2, undefined, begun]);
    expect(more.lines.map(({ type, epoch }) => [type, epoch])).toStrictEqual([
      ['epoch', 2],
      ['result', undefined],
    ]);
  });

  it('measures anew where the measures of the best epoch are missing', async () => {
    const out = fresh();
    const { lines } = await runCaptured(nmnistTrain, { ...given, data: nmnist, out, epochs: 1 });
    const path = join(out, 'measures', 'nmnist-net.json');
    const measures = await readFile(path, 'utf8');
    await rm(path);
    expect((await runCaptured(nmnistTrain, { resume: out })).lines).toStrictEqual([lines[1]]);
    expect(await readFile(path, 'utf8')).toBe(measures);
  });

  it('keeps the options of the run', async () => {
    const out = fresh();
    await runCaptured(nmnistTrain, { ...given, data: nmnist, out, epochs: 1 });
    await expect(runCaptured(nmnistTrain, { resume: out, lr: 1 })).rejects.toThrow(
      /^--lr: a resumed run keeps its options, here 0.006; found 1$/,
    );
    await expect(runCaptured(cifar10DvsTrain, { resume: out })).rejects.toThrow(
      /^--resume: expected a run of cifar10dvs-train, found one of nmnist-train$/,
    );
    await expect(runCaptured(nmnistTrain, { resume: join(folder, 'nowhere') })).rejects.toThrow(
      /no config.json/,
    );
    await expect(runCaptured(nmnistTrain, { ...given, data: nmnist, out })).rejects.toThrow(
      /already holds a run/,
    );
  });
});

describe('cifar10dvs-train', () => {
  it('trains SSNN on simulated recordings, and says so everywhere', async () => {
    const out = fresh();
    const { lines, notes } = await runCaptured(cifar10DvsTrain, { ...shapes, out });
    expect(notes.filter((note) => note.includes('CIFAR10-DVS'))).toHaveLength(1);
    expect(notes.join('\n')).toMatch(/figshare.4724671.*--data/);
    expect(lines.map(({ type }) => type)).toStrictEqual(['epoch', 'epoch', 'result']);
    expect(Object.keys(lines[0]!)).toContain('validationAccuracy');
    expect(Object.keys(lines[0]!)).not.toContain('testAccuracy');
    expect(lines[2]).toMatchObject({ model: 'ssnn', simulated: true, engine: 'wasm' });
    expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))).toMatchObject({ simulated: true });
    const checkpoint = decodeCheckpoint(await readFile(join(out, 'checkpoints', 'ssnn-last.safetensors')));
    expect(checkpoint).toMatchObject({
      simulated: true,
      network: { timesteps: [8, 6, 4, 2], alignment: 'attention' },
    });
  });

  it('takes quick where there is no set and no preset is named', async () => {
    const { preset, ...unnamed } = shapes;
    const out = fresh();
    await runCaptured(cifar10DvsTrain, { ...unnamed, epochs: 1, out });
    expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8')).options.preset).toBe('quick');
  });

  it('has the presets of the systems', () => {
    const { resolve } = cifar10DvsTrain;
    expect(resolve({})).toMatchObject({
      preset: 'notebook',
      size: 128,
      epochs: 5,
      batchSize: 32,
      lr: 1e-3,
      weightDecay: 1e-4,
      clip: 1,
      seed: 42,
      optimiser: 'adamw',
      schedule: 'constant',
      bins: 8,
      alignment: 'attention',
      neuron: 'notebook',
      batchNorm: 'joint',
      validation: 0.1,
      orientation: 'display',
    });
    expect(resolve({ preset: 'paper-training' })).toMatchObject({
      size: 48,
      epochs: 100,
      batchSize: 64,
      optimiser: 'sgd',
      lr: 0.1,
      momentum: 0.9,
      weightDecay: 1e-3,
      schedule: 'step',
      scheduleEpochs: 30,
      scheduleFactor: 0.1,
      neuron: 'paper',
    });
    expect(resolve({ preset: 'quick' })).toMatchObject({
      size: 48,
      alignment: 'attention',
      bins: 8,
      seed: 42,
    });
  });

  it('runs with bins of fixed length, paper neurons, and every alignment', async () => {
    for (const alignment of ['mix', 'pool', 'truncate']) {
      const variant = {
        alignment,
        neuron: 'paper',
        binMs: 250,
        steps: 8,
        batchNorm: 'per-step',
        epochs: 1,
        limit: 20,
        recordings: 20,
      };
      const { lines } = await runCaptured(cifar10DvsTrain, { ...shapes, ...variant, out: fresh() });
      expect(lines.at(-1)).toMatchObject({ type: 'result' });
    }
  });

  it('says what is wrong with its data in one line', async () => {
    await expect(runCaptured(cifar10DvsTrain, { ...shapes, data: nmnist, images: nmnist })).rejects.toThrow(
      /^--images: expected either --data or --images, found both$/,
    );
    await expect(runCaptured(cifar10DvsTrain, { ...shapes, data: join(folder, 'nowhere') })).rejects.toThrow(
      /nowhere/,
    );
  });
});
