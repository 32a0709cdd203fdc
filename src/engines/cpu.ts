import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { engine, setBackend, type TensorInfo } from '@tensorflow/tfjs-core';
import { EngineError } from '../errors.ts';
import type { HostMemory } from './kernels/kernel.ts';

/** Starts tfjs's backend in plain JavaScript, the reference for all others; gives its memory. */
export async function startCpu(): Promise<HostMemory> {
  await import('@tensorflow/tfjs-backend-cpu');
  if (!(await setBackend('cpu'))) throw new EngineError('engine cpu: tfjs-backend-cpu does not start');
  const backend = engine().backend as MathBackendCPU;
  // Its first use would print an advertisement for tfjs-node to stderr.
  Object.assign(backend, { firstUse: false });
  return cpuMemory(backend);
}

function cpuMemory(backend: MathBackendCPU): HostMemory {
  return {
    view: (tensor: TensorInfo) => backend.data.get(tensor.dataId).values as Float32Array,
    allocate: (shape) => backend.makeTensorInfo(shape, 'float32', new Float32Array(sizeOf(shape)) as never),
  };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
