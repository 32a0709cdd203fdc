/**
 * What tfjs-backend-webgpu 4.22 cannot. Element-wise operations that broadcast over more than four axes make a shader
 * that does not compile: axes that broadcast alike are joined, and where more than four are left arithmetic has a shader
 * of ours. A sum of many tensors binds more of them than devices can: it is taken in parts.
 */
import { backend_util, type KernelFunc, type TensorInfo } from '@tensorflow/tfjs-core';
import { KernelForms } from '../../kernels/kernel.ts';
import { joinAxes } from '../../native/layout.ts';
import type { WebGpuDevice } from '../device.ts';
import { arithmeticKernels, arithmeticOf, repeated } from './arithmetic.ts';

/** Axes of tfjs's shaders. */
const AXES = 4;

const binaryKernels = [
  ...arithmeticKernels,
  ...[
    'Pow',
    'Prelu',
    'Greater',
    'GreaterEqual',
    'Less',
    'LessEqual',
    'Equal',
    'NotEqual',
    'LogicalAnd',
    'LogicalOr',
  ],
];

/** Adds the repairs to forms. */
export function repair(forms: KernelForms, device: WebGpuDevice): void {
  for (const name of binaryKernels) forms.replace(name, (original) => withFewerAxes(device, name, original));
  forms.replace('AddN', (original) => inParts(device, original));
}

/** The repairs alone. */
export function repairs(device: WebGpuDevice): KernelForms {
  const forms = new KernelForms();
  repair(forms, device);
  return forms;
}

/** A binary kernel whose calls have as few axes as they can. */
export function withFewerAxes(device: WebGpuDevice, name: string, original: KernelFunc): KernelFunc {
  return (call) => {
    const { a, b } = call.inputs as Record<'a' | 'b', TensorInfo | undefined>;
    if (a === undefined || b === undefined || Math.max(a.shape.length, b.shape.length) <= AXES) {
      return original(call);
    }
    const shape = backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
    const walk = joinAxes({ shape, strides: [repeated(a.shape, shape), repeated(b.shape, shape)] }, AXES);
    if (walk === undefined) return arithmeticOf(device, name, a, b) ?? original(call);
    const own = (tensor: TensorInfo, strides: readonly number[]): TensorInfo => ({
      ...{ dataId: tensor.dataId, dtype: tensor.dtype },
      shape: walk.shape.map((side, axis) => (strides[axis] === 0 ? 1 : side)),
    });
    const inputs = { a: own(a, walk.strides[0]!), b: own(b, walk.strides[1]!) };
    const output = original({ ...call, inputs: inputs as never }) as TensorInfo;
    return { dataId: output.dataId, dtype: output.dtype, shape };
  };
}

function inParts(device: WebGpuDevice, original: KernelFunc): KernelFunc {
  const { backend } = device;
  const most = backend.device.limits['maxStorageBuffersPerShaderStage']! - 1;
  return (call) => {
    const tensors = Object.values(call.inputs) as TensorInfo[];
    const sumOf = (some: readonly TensorInfo[]): TensorInfo =>
      original({ ...call, inputs: some as never }) as TensorInfo;
    if (tensors.length <= most) return sumOf(tensors);
    let sum = sumOf(tensors.slice(0, most));
    for (let at = most; at < tensors.length; at += most - 1) {
      const next = sumOf([sum, ...tensors.slice(at, at + most - 1)]);
      backend.disposeData(sum.dataId);
      sum = next;
    }
    return sum;
  };
}
