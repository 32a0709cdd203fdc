/**
 * Native forms of tfjs's own kernels. Each takes float32 tensors; where a call has something else (another type, too
 * many axes), the kernel of tfjs's CPU backend runs instead.
 */
import {
  backend_util,
  getKernel,
  getKernelsForBackend,
  type KernelConfig,
  registerKernel,
  slice_util,
  type TensorInfo,
  unregisterKernel,
  util,
} from '@tensorflow/tfjs-core';
import type { NativeBackend } from './backend.ts';
import { joinAxes, sizeOf, stridesOf } from './layout.ts';

type Inputs = Readonly<Record<string, TensorInfo>>;
type Attributes = Readonly<Record<string, unknown>>;
/** Gives the output or outputs, or undefined to leave the call to the inherited kernel. */
type NativeKernel<Output = TensorInfo | TensorInfo[]> = (
  backend: NativeBackend,
  inputs: Inputs,
  attributes: Attributes,
) => Output | undefined;

/** Registers tfjs's CPU kernels for the native backend, with native forms in place of the hot ones. */
export function registerTfjsKernels(backendName: string): void {
  for (const inherited of getKernelsForBackend('cpu')) {
    const { kernelName } = inherited;
    if (getKernel(kernelName, backendName) !== undefined) unregisterKernel(kernelName, backendName);
    const native = kernels[kernelName];
    registerKernel({ ...(native === undefined ? inherited : withFallback(native, inherited)), backendName });
  }
}

function withFallback(native: NativeKernel, inherited: KernelConfig): KernelConfig {
  return {
    ...inherited,
    kernelFunc: (call) => {
      const { inputs, backend, attrs } = call;
      // Also a list of inputs (Concat, AddN, Pack) comes as an object, by position.
      const tensors = inputs as Inputs;
      for (const name in tensors) {
        const tensor = tensors[name];
        if (tensor !== undefined && tensor !== null && tensor.dtype !== 'float32')
          return inherited.kernelFunc(call);
      }
      return (
        native(backend as NativeBackend, tensors, (attrs ?? {}) as Attributes) ?? inherited.kernelFunc(call)
      );
    },
  };
}

const BINARY_AXES = 4;
const COPY_AXES = 5;

function binary(operation: string): NativeKernel {
  return (backend, { a, b }) => binaryOperation(backend, operation, a!, b!);
}

function binaryOperation(
  backend: NativeBackend,
  operation: string,
  a: TensorInfo,
  b: TensorInfo,
): TensorInfo | undefined {
  const shape = backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
  const walk = joinAxes(
    { shape, strides: [broadcastStrides(a.shape, shape), broadcastStrides(b.shape, shape)] },
    BINARY_AXES,
  );
  if (walk === undefined) return undefined;
  const output = backend.output(shape);
  backend.submit(
    operation,
    backend.address(a),
    backend.address(b),
    backend.address(output),
    ...walk.shape,
    ...walk.strides[0]!,
    ...walk.strides[1]!,
  );
  return output;
}

/** Strides of a tensor that is repeated to `shape`: 0 along the axes that are repeated. */
function broadcastStrides(own: readonly number[], shape: readonly number[]): number[] {
  const missing = shape.length - own.length;
  const strides = stridesOf(own);
  return shape.map((side, axis) => {
    const ownSide = axis < missing ? 1 : own[axis - missing]!;
    return ownSide === 1 && side !== 1 ? 0 : (strides[axis - missing] ?? 0);
  });
}

function unary(operation: string, input = 'x'): NativeKernel<TensorInfo> {
  return (backend, inputs) => {
    const x = inputs[input]!;
    const output = backend.output(x.shape);
    backend.submit(operation, backend.address(x), backend.address(output), sizeOf(x.shape));
    return output;
  };
}

/** A tensor whose values come from `x`, by strides over the output's shape. */
function rearranged(
  backend: NativeBackend,
  x: TensorInfo,
  shape: number[],
  strides: number[],
  start = 0,
): TensorInfo | undefined {
  const output = backend.output(shape);
  if (copyInto(backend, x, output, shape, [strides, stridesOf(shape)], [start, 0])) return output;
  backend.disposeData(output.dataId);
  return undefined;
}

function copyInto(
  backend: NativeBackend,
  from: TensorInfo,
  to: TensorInfo,
  shape: number[],
  strides: [number[], number[]],
  [fromStart, toStart]: [number, number],
): boolean {
  const walk = joinAxes({ shape, strides }, COPY_AXES);
  if (walk === undefined) return false;
  if (sizeOf(shape) === 0) return true;
  backend.submit(
    'copy',
    backend.address(from) + fromStart * 4,
    backend.address(to) + toStart * 4,
    ...walk.shape,
    ...walk.strides[0]!,
    ...walk.strides[1]!,
  );
  return true;
}

function filled(backend: NativeBackend, shape: readonly number[], value: number): TensorInfo {
  const output = backend.output(shape);
  backend.submit('fill', backend.address(output), sizeOf(shape), value);
  return output;
}

interface Reduction {
  readonly outer: number;
  readonly count: number;
  readonly inner: number;
  readonly shape: number[];
}

/** A reduction as [outer, count, inner], or undefined where the reduced axes do not lie side by side. */
function reductionOf({ shape }: TensorInfo, axis: unknown, keepDims: boolean): Reduction | undefined {
  const axes = util.parseAxisParam(axis as number | number[], shape);
  const reduced = new Set(axes);
  const from = Math.min(...axes);
  const to = Math.max(...axes) + 1;
  for (let i = from; i < to; i++) if (!reduced.has(i) && shape[i] !== 1) return undefined;
  if (axes.length === 0) return undefined;
  return {
    outer: sizeOf(shape.slice(0, from)),
    count: sizeOf(shape.slice(from, to)),
    inner: sizeOf(shape.slice(to)),
    shape: shape.flatMap((side, i) => (reduced.has(i) ? (keepDims ? [1] : []) : [side])),
  };
}

function sumKernel(mean: boolean): NativeKernel {
  return (backend, { x }, { axis, keepDims }) => {
    const reduction = reductionOf(x!, axis, Boolean(keepDims));
    if (reduction === undefined) return undefined;
    const { outer, count, inner, shape } = reduction;
    const output = backend.output(shape);
    const scale = mean ? 1 / count : 1;
    backend.submit('sum', backend.address(x!), backend.address(output), outer, count, inner, scale);
    return output;
  };
}

function softmaxKernel(logarithm: boolean): NativeKernel {
  return (backend, { logits }, { dim, axis }) => {
    const { shape } = logits!;
    const classes = shape.at(-1) ?? 1;
    const along = (dim ?? axis ?? -1) as number;
    if (shape.length === 0 || (along !== -1 && along !== shape.length - 1)) return undefined;
    const output = backend.output(shape);
    const rows = sizeOf(shape) / Math.max(classes, 1);
    backend.submit(
      'softmax',
      backend.address(logits!),
      backend.address(output),
      rows,
      classes,
      logarithm ? 1 : 0,
    );
    return output;
  };
}

const transpose: NativeKernel = (backend, { x }, { perm }) => {
  const order = perm as number[];
  const strides = stridesOf(x!.shape);
  return rearranged(
    backend,
    x!,
    order.map((axis) => x!.shape[axis]!),
    order.map((axis) => strides[axis]!),
  );
};

const slice: NativeKernel = (backend, { x }, { begin, size }) => {
  const [starts, shape] = slice_util.parseSliceParams(x as never, begin as number[], size as number[]);
  slice_util.assertParamsValid(x as never, starts!, shape!);
  const strides = stridesOf(x!.shape);
  const start = starts!.reduce((sum, from, axis) => sum + from * strides[axis]!, 0);
  return rearranged(backend, x!, shape!, strides, start);
};

const reverse: NativeKernel = (backend, { x }, { dims }) => {
  const strides = stridesOf(x!.shape);
  let start = 0;
  for (const axis of util.parseAxisParam(dims as number[], x!.shape)) {
    start += (x!.shape[axis]! - 1) * strides[axis]!;
    strides[axis] = -strides[axis]!;
  }
  return rearranged(backend, x!, [...x!.shape], strides, start);
};

const pad: NativeKernel = (backend, { x }, { paddings, constantValue }) => {
  const zeros = paddings as [number, number][];
  const shape = x!.shape.map((side, axis) => side + zeros[axis]![0] + zeros[axis]![1]);
  const output = filled(backend, shape, (constantValue as number | undefined) ?? 0);
  const strides = stridesOf(shape);
  const start = zeros.reduce((sum, [before], axis) => sum + before * strides[axis]!, 0);
  if (copyInto(backend, x!, output, x!.shape, [stridesOf(x!.shape), strides], [0, start])) return output;
  backend.disposeData(output.dataId);
  return undefined;
};

const tile: NativeKernel = (backend, { x }, { reps }) => {
  const counts = reps as number[];
  const strides = stridesOf(x!.shape);
  const repeated = rearranged(
    backend,
    x!,
    x!.shape.flatMap((side, axis) => [counts[axis]!, side]),
    strides.flatMap((stride) => [0, stride]),
  );
  return repeated && { ...repeated, shape: x!.shape.map((side, axis) => side * counts[axis]!) };
};

const broadcastTo: NativeKernel = (backend, { x }, { shape }) => {
  const wanted = shape as number[];
  return rearranged(backend, x!, [...wanted], broadcastStrides(x!.shape, wanted));
};

const concat: NativeKernel = (backend, inputs, { axis }) => {
  const parts = Object.values(inputs);
  const along = util.parseAxisParam(axis as number, parts[0]!.shape)[0]!;
  const shape = backend_util.computeOutShape(
    parts.map((part) => part.shape),
    along,
  );
  const output = backend.output(shape);
  const strides = stridesOf(shape);
  let start = 0;
  for (const part of parts) {
    if (
      !copyInto(
        backend,
        part,
        output,
        part.shape,
        [stridesOf(part.shape), strides],
        [0, start * strides[along]!],
      )
    ) {
      backend.disposeData(output.dataId);
      return undefined;
    }
    start += part.shape[along]!;
  }
  return output;
};

const pack: NativeKernel = (backend, inputs, { axis }) => {
  const parts = Object.values(inputs);
  const { shape } = parts[0]!;
  const along = (axis as number) < 0 ? (axis as number) + shape.length + 1 : (axis as number);
  const outer = sizeOf(shape.slice(0, along));
  const inner = sizeOf(shape.slice(along));
  const output = backend.output([...shape.slice(0, along), parts.length, ...shape.slice(along)]);
  parts.forEach((part, index) => {
    const strides: [number[], number[]] = [
      [inner, 1],
      [inner * parts.length, 1],
    ];
    copyInto(backend, part, output, [outer, inner], strides, [0, index * inner]);
  });
  return output;
};

const unpack: NativeKernel = (backend, { value }, { axis }) => {
  const { shape } = value!;
  const along = util.parseAxisParam(axis as number, shape)[0]!;
  const outer = sizeOf(shape.slice(0, along));
  const inner = sizeOf(shape.slice(along + 1));
  const count = shape[along]!;
  return Array.from({ length: count }, (_, index) => {
    const part = backend.output([...shape.slice(0, along), ...shape.slice(along + 1)]);
    const strides: [number[], number[]] = [
      [count * inner, 1],
      [inner, 1],
    ];
    copyInto(backend, value!, part, [outer, inner], strides, [index * inner, 0]);
    return part;
  });
};

const addN: NativeKernel = (backend, inputs) => {
  const [first, ...others] = Object.values(inputs);
  // A new tensor even of one input: the tape knows inputs and outputs apart by their identity.
  const sum = unary('copyValues')(backend, { x: first! }, {})!;
  for (const other of others) addInPlace(backend, sum, other);
  return sum;
};

/** sum += other, of one shape. */
function addInPlace(backend: NativeBackend, sum: TensorInfo, other: TensorInfo): void {
  const size = sizeOf(sum.shape);
  const [to, from] = [backend.address(sum), backend.address(other)];
  backend.submit('add', to, from, to, ...[1, 1, 1, size], ...[0, 0, 0, 1], ...[0, 0, 0, 1]);
}

const matrixProduct: NativeKernel = (backend, { a, b }, { transposeA, transposeB }) => {
  const batchOf = (shape: readonly number[]): number => sizeOf(shape.slice(0, -2));
  const batches = [batchOf(a!.shape), batchOf(b!.shape)] as const;
  const batchShape = batches[0] >= batches[1] ? a!.shape.slice(0, -2) : b!.shape.slice(0, -2);
  const batch = sizeOf(batchShape);
  // One matrix for all, or one for each.
  if (batches.some((own) => own !== batch && own !== 1)) return undefined;
  const [rows, inner] = lastTwo(a!.shape, Boolean(transposeA));
  const [, columns] = lastTwo(b!.shape, Boolean(transposeB));
  const output = backend.output([...batchShape, rows, columns]);
  backend.submit(
    'multiplyMatrices',
    backend.address(a!),
    backend.address(b!),
    backend.address(output),
    batch,
    rows,
    inner,
    columns,
    transposeA ? 1 : 0,
    transposeB ? 1 : 0,
    batches[0] === 1 ? 0 : rows * inner,
    batches[1] === 1 ? 0 : inner * columns,
  );
  return output;
};

function lastTwo(shape: readonly number[], swapped: boolean): [number, number] {
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  return swapped ? [columns, rows] : [rows, columns];
}

const maximum: NativeKernel = (backend, { x }, { reductionIndices, keepDims }) => {
  const reduction = reductionOf(x!, reductionIndices, Boolean(keepDims));
  if (reduction === undefined || reduction.count === 0) return undefined;
  const { outer, count, inner, shape } = reduction;
  const output = backend.output(shape);
  backend.submit('maximumOver', backend.address(x!), backend.address(output), outer, count, inner);
  return output;
};

const kernels: Readonly<Record<string, NativeKernel>> = {
  Add: binary('add'),
  Sub: binary('subtract'),
  Multiply: binary('multiply'),
  RealDiv: binary('divide'),
  Maximum: binary('maximum'),
  Minimum: binary('minimum'),
  SquaredDifference: binary('squaredDifference'),
  AddN: addN,
  Neg: unary('negate'),
  Abs: unary('absolute'),
  Square: unary('square'),
  Sqrt: unary('squareRoot'),
  Rsqrt: unary('reciprocalRoot'),
  Exp: unary('exponential'),
  Sigmoid: unary('sigmoid'),
  Relu: unary('rectify'),
  Step: (backend, inputs, { alpha }) => ((alpha ?? 0) === 0 ? unary('step')(backend, inputs, {}) : undefined),
  Sum: sumKernel(false),
  Mean: sumKernel(true),
  Max: maximum,
  Softmax: softmaxKernel(false),
  LogSoftmax: softmaxKernel(true),
  Transpose: transpose,
  Slice: slice,
  Reverse: reverse,
  PadV2: pad,
  Tile: tile,
  BroadcastTo: broadcastTo,
  Concat: concat,
  Pack: pack,
  Unpack: unpack,
  BatchMatMul: matrixProduct,
  ZerosLike: (backend, { x }) => filled(backend, x!.shape, 0),
  OnesLike: (backend, { x }) => filled(backend, x!.shape, 1),
  Fill: (backend, _, { shape, value, dtype }) =>
    (dtype ?? 'float32') === 'float32' && typeof value === 'number'
      ? filled(backend, shape as number[], value)
      : undefined,
};
