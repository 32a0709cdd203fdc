import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { listEngines, type RunningEngine, startEngine } from '../../src/engines/engine.ts';
import { findTensorflow, isForGpu } from '../../src/engines/tensorflow.ts';
import { OptionError } from '../../src/errors.ts';

let engine: RunningEngine | undefined;
afterEach(() => {
  engine?.stop();
  engine = undefined;
});

it('lists the engines in the order of trial', async () => {
  const engines = await listEngines();
  const found = findTensorflow();
  const others = ['native', 'webgpu'];
  const fastest =
    found !== undefined && isForGpu(found) ? ['tensorflow', ...others] : [...others, 'tensorflow'];
  expect(engines.map(({ name }) => name)).toStrictEqual([...fastest, 'wasm', 'cpu']);
  expect(engines.filter((info) => info.default).length).toBe(1);
  if (found === undefined) {
    expect(engines.find(({ name }) => name === 'tensorflow')).toMatchObject({
      state: 'absent',
      how: expect.stringContaining('pipeline engines install tensorflow'),
    });
  }
});

it('refuses names that it does not know', async () => {
  await expect(startEngine('gpu' as 'cpu')).rejects.toThrow(OptionError);
});

it.each([0, 1.5, Number.NaN])('refuses %s threads', async (threads) => {
  await expect(startEngine('wasm', { threads })).rejects.toThrow('expected a whole number from 1');
});

it('says how to get what is not installed', async () => {
  if (findTensorflow() !== undefined) return;
  await expect(startEngine('tensorflow')).rejects.toThrow('found none; pipeline engines install tensorflow');
});

it('takes the best one that is here', async () => {
  engine = await startEngine('auto');
  const taken = (await listEngines()).find((info) => info.default);
  expect(engine.name).toBe(taken?.name);
});

it('shares one copy of tfjs with its backends', async () => {
  engine = await startEngine('cpu');
  expect(tf.getBackend()).toBe('cpu');
  engine.stop();
  engine = await startEngine('wasm', { threads: 1 });
  expect(tf.getBackend()).toBe('wasm');
});

describe('wasm', () => {
  it('starts again after a stop', async () => {
    for (const threads of [2, 1, 2]) {
      engine = await startEngine('wasm', { threads });
      expect(engine.threads).toBe(threads);
      const sum = tf.tidy(() => tf.sum(tf.transpose(tf.matMul(tf.ones([40, 30]), tf.ones([30, 20])))));
      expect((await sum.data())[0]).toBe(24000);
      engine.stop();
    }
  });

  it('does not start twice at once', async () => {
    engine = await startEngine('wasm', { threads: 1 });
    await expect(startEngine('wasm', { threads: 1 })).rejects.toThrow('found it running');
  });

  it('leaves nothing of the loader in the process', async () => {
    const events = ['uncaughtException', 'unhandledRejection'] as const;
    const before = events.map((event) => process.listenerCount(event));
    engine = await startEngine('wasm', { threads: 2 });
    expect('Worker' in globalThis).toBe(false);
    expect(events.map((event) => process.listenerCount(event))).toStrictEqual(before);
  });

  it('says when its memory is used up', async () => {
    engine = await startEngine('wasm', { threads: 1 });
    const backend = tf.engine().backend as BackendWasm;
    const gibibyte = (): unknown => backend.makeOutput([2 ** 28], 'float32');
    expect(() => Array.from({ length: 5 }, gibibyte)).toThrow('expected 1073741824 more bytes');
    expect(() => backend.makeOutput([2 ** 30], 'float32')).toThrow('expected 4294967296 more bytes');
  });
});

const built = fileURLToPath(new URL('../../dist/src/engines/engine.js', import.meta.url));
const describeBuilt = existsSync(built) ? describe : describe.skip;

describeBuilt('a process of its own (skipped where dist is absent: npm run build)', () => {
  it.each(['wasm', 'cpu'])('ends by itself with %s, stopped or not', async (name) => {
    for (const last of ['', 'engine.stop();']) {
      const script = `
        import * as tf from '@tensorflow/tfjs-core';
        import { startEngine } from ${JSON.stringify(pathToFileURL(built).href)};
        const engine = await startEngine('${name}', { threads: 2 });
        const sum = tf.sum(tf.transpose(tf.matMul(tf.ones([300, 200]), tf.ones([200, 100]))));
        console.log(String(engine.threads), String((await sum.data())[0]));
        ${last}`;
      const args = ['--input-type=module', '--eval', script];
      const { FORCE_COLOR: _force, NO_COLOR: _no, ...env } = process.env;
      const options = { cwd: dirname(built), env };
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options);
      expect({ stdout, stderr }).toStrictEqual({
        stdout: `${name === 'wasm' ? 2 : 1} 6000000\n`,
        stderr: '',
      });
    }
  });
});
