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

const gpu = await softwareGpu();

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
  for (const entry of everywhere) run(entry);
  const tensorflow: Case = { title: 'tensorflow', name: 'tensorflow', options: {} };
  if (findTensorflow() === undefined) {
    it.skip(`${title} (tensorflow: not installed: pipeline engines install tensorflow)`, () => {});
  } else run(tensorflow);
  const native: Case = { title: 'native, 2 threads', name: 'native', options: { threads: 2 } };
  if (nativeState().state === 'ready') run(native);
  else it.skip(`${title} (native: not built)`, () => {});
  if (typeof gpu !== 'string') run({ title: 'webgpu', name: 'webgpu', options: {} });
  else it.skip(`${title} (webgpu: ${gpu})`, () => {});
}
