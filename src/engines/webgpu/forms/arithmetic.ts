/**
 * Arithmetic of two tensors, one of which may be repeated along axes. It stands for tfjs's own in the fused forms: what it
 * computes is small in a training step and what it costs is the call, which here finds all it needs made already.
 */
import { backend_util, type KernelFunc, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { joinAxes, stridesOf } from '../../native/layout.ts';
import { type Shader, THREADS, type WebGpuDevice } from '../device.ts';

const formulas: Readonly<Record<string, string>> = {
  Add: 'x + y',
  Sub: 'x - y',
  Multiply: 'x * y',
  RealDiv: 'x / y',
  Maximum: 'max(x, y)',
  Minimum: 'min(x, y)',
  SquaredDifference: '(x - y) * (x - y)',
};

/** Names of tfjs's kernels of arithmetic. */
export const arithmeticKernels: readonly string[] = Object.keys(formulas);

/** Axes that are left when those that repeat alike are joined. */
const AXES = 6;

/** Arithmetic in place of tfjs's own, which gets what is small and in JavaScript's memory. */
export function arithmetic(device: WebGpuDevice, name: string, original: KernelFunc): KernelFunc {
  const { backend } = device;
  return (call) => {
    const { a, b } = call.inputs as Record<'a' | 'b', TensorInfo>;
    if (backend.onHost(a) && backend.onHost(b)) return original(call);
    return arithmeticOf(device, name, a, b) ?? original(call);
  };
}

/** The result, or undefined where it takes another type or more axes. */
export function arithmeticOf(
  device: WebGpuDevice,
  name: string,
  a: TensorInfo,
  b: TensorInfo,
): TensorInfo | undefined {
  const formula = formulas[name];
  if (a.dtype !== 'float32' || b.dtype !== 'float32' || formula === undefined) return undefined;
  const shape = backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
  const strides = [repeated(a.shape, shape), repeated(b.shape, shape)];
  const walk = joinAxes({ shape, strides }, AXES);
  if (walk === undefined) return undefined;
  // Axes of one element were put in front.
  const skipped = Math.min(
    walk.shape.findIndex((side) => side !== 1),
    AXES - 1,
  );
  const first = skipped < 0 ? AXES - 1 : skipped;
  const [sides, aStrides, bStrides] = [walk.shape, ...walk.strides].map((axes) => axes.slice(first));
  const output = device.output(shape);
  const count = util.sizeFromShape(shape);
  device.run(name, `${sides!.length}`, () => shaderOf(formula, sides!.length), {
    reads: [a, b],
    writes: [output],
    numbers: [count, ...sides!, ...aStrides!, ...bStrides!],
    groups: Math.ceil(count / THREADS),
  });
  return output;
}

/** Strides of a tensor over the shape that it is broadcast to: 0 along the axes that are repeated. */
export function repeated(own: readonly number[], shape: readonly number[]): number[] {
  const missing = shape.length - own.length;
  const strides = stridesOf(own);
  return shape.map((_, axis) => (axis < missing || own[axis - missing] === 1 ? 0 : strides[axis - missing]!));
}

function shaderOf(formula: string, axes: number): Shader {
  const names = (prefix: string): string[] => Array.from({ length: axes }, (_, axis) => `${prefix}${axis}`);
  const step = (axis: number): string => {
    // The first axis has what the others leave.
    const index = axis === 0 ? 'i = left;' : `i = left % n.side${axis}; left /= n.side${axis};`;
    return `${index} at += i * n.a${axis}; bt += i * n.b${axis};`;
  };
  const numbers = ['count', ...names('side'), ...names('a'), ...names('b')];
  return {
    reads: ['a', 'b'],
    writes: ['result'],
    numbers: Object.fromEntries(numbers.map((number) => [number, 'u32' as const])),
    body: `
if (thread >= n.count) { return; }
var left = thread;
var i = 0u;
var at = 0u;
var bt = 0u;
${Array.from({ length: axes }, (_, index) => step(axes - 1 - index)).join('\n')}
let x = a[at];
let y = b[bt];
result[thread] = ${formula};`,
  };
}
