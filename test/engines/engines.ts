import { afterAll, beforeAll, describe, it } from 'vitest';
import type { RunningEngine } from '../../src/engines/engine.ts';
import { type EngineName, type EngineOptions, startEngine } from '../../src/engines/engine.ts';
import { nativeState } from '../../src/engines/native.ts';
import { findTensorflow } from '../../src/engines/tensorflow.ts';
import { softwareGpu } from './software-gpu.ts';

interface Case {
  readonly title: string;
  readonly name: EngineName;
  readonly options: EngineOptions;
}

const everywhere: readonly Case[] = [
  { title: 'cpu, reference forms', name: 'cpu', options: {} },
  { title: 'wasm, 1 thread', name: 'wasm', options: { threads: 1 } },
  { title: 'wasm, 2 threads', name: 'wasm', options: { threads: 2 } },
  { title: 'wasm, reference forms', name: 'wasm', options: { threads: 1, kernels: 'reference' } },
];

/** Engines to test, by name, where the environment names them; an engine that ends the process leaves the others alone so. */
const wanted = process.env['RXSPIKE_TEST_ENGINES']?.split(',');
const isWanted = (name: EngineName): boolean => wanted?.includes(name) ?? true;
const gpu = isWanted('webgpu') ? await softwareGpu() : 'not asked for';

/** Runs the same tests on every engine that is here. */
export function describeEngines(title: string, tests: (engine: () => RunningEngine) => void): void {
  const run = (entry: Case): void => {
    describe(`${title} (${entry.title})`, () => {
      let engine: RunningEngine;
      beforeAll(async () => {
        engine = await startEngine(entry.name, entry.options);
      });
      afterAll(() => engine.stop());
      tests(() => engine);
    });
  };
  for (const entry of everywhere) if (isWanted(entry.name)) run(entry);
  const tensorflow: Case = { title: 'tensorflow', name: 'tensorflow', options: {} };
  if (!isWanted('tensorflow')) it.skip(`${title} (tensorflow: not asked for)`, () => {});
  else if (findTensorflow() === undefined) {
    it.skip(`${title} (tensorflow: not installed: pipeline engines install tensorflow)`, () => {});
  } else run(tensorflow);
  const native: Case = { title: 'native, 2 threads', name: 'native', options: { threads: 2 } };
  if (!isWanted('native')) it.skip(`${title} (native: not asked for)`, () => {});
  else if (nativeState().state === 'ready') run(native);
  else it.skip(`${title} (native: not built)`, () => {});
  if (typeof gpu !== 'string') run({ title: 'webgpu', name: 'webgpu', options: {} });
  else it.skip(`${title} (webgpu: ${gpu})`, () => {});
}
