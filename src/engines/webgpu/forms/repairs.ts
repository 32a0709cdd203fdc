/**
 * What tfjs-backend-webgpu 4.22 cannot. Element-wise operations that broadcast over more than four axes make a shader
 * that does not compile: axes that broadcast alike are joined, and where more than four are left arithmetic has a shader
 * of ours. A sum of many tensors binds more of them than devices can: it is taken in parts.
 */
import { backend_util, type KernelFunc, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { KernelForms } from '../../kernels/kernel.ts';
import { joinAxes, stridesOf, type Walk } from '../../native/layout.ts';
import { THREADS, type WebGpuDevice } from '../device.ts';

/** Axes of tfjs's shaders, and of ours. */
const AXES = 4;
const MORE_AXES = 6;

const arithmetic: Readonly<Record<string, string>> = {
  Add: 'x + y',
  Sub: 'x - y',
  Multiply: 'x * y',
  RealDiv: 'x / y',
  Maximum: 'max(x, y)',
  Minimum: 'min(x, y)',
  SquaredDifference: '(x - y) * (x - y)',
};

const binaryKernels = [
  ...Object.keys(arithmetic),
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

function withFewerAxes(device: WebGpuDevice, name: string, original: KernelFunc): KernelFunc {
  return (call) => {
    const { a, b } = call.inputs as Record<'a' | 'b', TensorInfo | undefined>;
    if (a === undefined || b === undefined || Math.max(a.shape.length, b.shape.length) <= AXES) {
      return original(call);
    }
    const shape = backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
    const strides = [repeated(a.shape, shape), repeated(b.shape, shape)];
    const walk = joinAxes({ shape, strides }, AXES);
    if (walk === undefined) {
      const more = joinAxes({ shape, strides }, MORE_AXES);
      const known = a.dtype === 'float32' && b.dtype === 'float32' && Object.hasOwn(arithmetic, name);
      return more === undefined || !known ? original(call) : strided(device, name, [a, b], { more, shape });
    }
    const own = (tensor: TensorInfo, strides: readonly number[]): TensorInfo => ({
      ...{ dataId: tensor.dataId, dtype: tensor.dtype },
      shape: walk.shape.map((side, axis) => (strides[axis] === 0 ? 1 : side)),
    });
    const inputs = { a: own(a, walk.strides[0]!), b: own(b, walk.strides[1]!) };
    const output = original({ ...call, inputs: inputs as never }) as TensorInfo;
    return { dataId: output.dataId, dtype: output.dtype, shape };
  };
}

function strided(
  device: WebGpuDevice,
  name: string,
  operands: readonly [TensorInfo, TensorInfo],
  { more, shape }: { readonly more: Walk; readonly shape: number[] },
): TensorInfo {
  const output = device.output(shape);
  const count = util.sizeFromShape(shape);
  const names = (prefix: string): string[] =>
    Array.from({ length: MORE_AXES }, (_, axis) => `${prefix}${axis}`);
  const steps = names('side').map(
    (side, axis) => `i = left % n.${side}; left /= n.${side}; at += i * n.a${axis}; bt += i * n.b${axis};`,
  );
  const numbers = ['count', ...names('side'), ...names('a'), ...names('b')];
  device.run(
    name,
    'strided',
    () => ({
      reads: ['a', 'b'],
      writes: ['result'],
      numbers: Object.fromEntries(numbers.map((number) => [number, 'u32' as const])),
      body: `
if (thread >= n.count) { return; }
var left = thread;
var i = 0u;
var at = 0u;
var bt = 0u;
${steps.reverse().join('\n')}
let x = a[at];
let y = b[bt];
result[thread] = ${arithmetic[name]};`,
    }),
    {
      reads: operands,
      writes: [output],
      numbers: [count, ...more.shape, ...more.strides[0]!, ...more.strides[1]!],
      groups: Math.ceil(count / THREADS),
    },
  );
  return output;
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

/** Strides of a tensor over the shape that it is broadcast to: 0 along the axes that are repeated. */
function repeated(own: readonly number[], shape: readonly number[]): number[] {
  const missing = shape.length - own.length;
  const strides = stridesOf(own);
  return shape.map((_, axis) => (axis < missing || own[axis - missing] === 1 ? 0 : strides[axis - missing]!));
}
