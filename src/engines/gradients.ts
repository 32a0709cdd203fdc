/**
 * Gradients of the tfjs operations that models use. The tfjs package that Node loads registers none, and some of
 * those that other packages bring are wrong (`where` on a condition that depends on the input, a broadcast product).
 * Ours are the same for every engine.
 */
import * as tf from '@tensorflow/tfjs-core';

type Saved = readonly tf.Tensor[];
type Attributes = Readonly<Record<string, unknown>>;
type Thunks = Record<string, () => tf.Tensor>;

interface GradientRule {
  readonly inputs?: readonly string[];
  readonly outputs?: readonly boolean[];
  /** @param dy gradient of the output; of several outputs, an array */
  readonly backward: (dy: tf.Tensor, saved: Saved, attributes: Attributes) => Thunks;
}

/** Sums what broadcasting repeated, so that `gradient` gets `shape`. */
function unbroadcast(gradient: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, gradient.shape);
  return tf.reshape(axes.length === 0 ? gradient : tf.sum(gradient, axes), shape);
}

/** Puts back the axes that a reduction took away, each with side 1. */
function keepReduced(reduced: tf.Tensor, shape: readonly number[], axis: unknown): tf.Tensor {
  const axes = tf.util.parseAxisParam(axis as number | number[], [...shape]);
  return tf.reshape(
    reduced,
    shape.map((side, index) => (axes.includes(index) ? 1 : side)),
  );
}

/** What was reduced, repeated over the shape from which it was; by few axes, since WebGPU repeats no more than four. */
function spread(reduced: tf.Tensor, shape: readonly number[], axis: unknown): tf.Tensor {
  const axes = tf.util.parseAxisParam(axis as number | number[], [...shape]);
  const [first, last] = [Math.min(...axes), Math.max(...axes)];
  const sideBySide = shape
    .slice(first, last + 1)
    .every((side, index) => axes.includes(first + index) || side === 1);
  if (axes.length === 0 || !sideBySide) {
    return tf.broadcastTo(keepReduced(reduced, shape, axis), [...shape]);
  }
  const sizeOf = (sides: readonly number[]): number => sides.reduce((product, side) => product * side, 1);
  const [outer, inner] = [sizeOf(shape.slice(0, first)), sizeOf(shape.slice(last + 1))];
  const count = sizeOf(shape.slice(first, last + 1));
  const rows = tf.reshape(reduced, [outer, 1, inner]);
  return tf.reshape(tf.broadcastTo(rows, [outer, count, inner]), [...shape]);
}

const unary = (derivative: (dy: tf.Tensor, x: tf.Tensor) => tf.Tensor): GradientRule => ({
  inputs: ['x'],
  backward: (dy, [x]) => ({ x: () => derivative(dy, x!) }),
});

const fromOutput = (derivative: (dy: tf.Tensor, y: tf.Tensor) => tf.Tensor, input = 'x'): GradientRule => ({
  outputs: [true],
  backward: (dy, [y]) => ({ [input]: () => derivative(dy, y!) }),
});

const binary = (
  partials: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => { a: () => tf.Tensor; b: () => tf.Tensor },
): GradientRule => ({
  inputs: ['a', 'b'],
  backward: (dy, [a, b]) => {
    const each = partials(dy, a!, b!);
    return { a: () => unbroadcast(each.a(), a!.shape), b: () => unbroadcast(each.b(), b!.shape) };
  },
});

/** Steps and comparisons: the gradient is zero wherever it exists. */
const flat = (...inputs: string[]): GradientRule => ({
  inputs,
  backward: (_, saved) =>
    Object.fromEntries(inputs.map((input, index) => [input, () => tf.zeros(saved[index]!.shape)])),
});

const where = (condition: tf.Tensor, dy: tf.Tensor): tf.Tensor => tf.mul(dy, tf.cast(condition, 'float32'));

const arithmetic: Record<string, GradientRule> = {
  Add: binary((dy) => ({ a: () => dy, b: () => dy })),
  Sub: binary((dy) => ({ a: () => dy, b: () => tf.neg(dy) })),
  Multiply: binary((dy, a, b) => ({ a: () => tf.mul(dy, b), b: () => tf.mul(dy, a) })),
  RealDiv: binary((dy, a, b) => ({
    a: () => tf.div(dy, b),
    b: () => tf.neg(tf.div(tf.mul(dy, tf.div(a, b)), b)),
  })),
  SquaredDifference: binary((dy, a, b) => ({
    a: () => tf.mul(dy, tf.mul(2, tf.sub(a, b))),
    b: () => tf.mul(dy, tf.mul(2, tf.sub(b, a))),
  })),
  Maximum: binary((dy, a, b) => ({
    a: () => where(tf.greaterEqual(a, b), dy),
    b: () => where(tf.less(a, b), dy),
  })),
  Minimum: binary((dy, a, b) => ({
    a: () => where(tf.lessEqual(a, b), dy),
    b: () => where(tf.greater(a, b), dy),
  })),
  Neg: unary((dy) => tf.neg(dy)),
  Abs: unary((dy, x) => tf.mul(dy, tf.sign(x))),
  Square: unary((dy, x) => tf.mul(dy, tf.mul(x, 2))),
  Exp: fromOutput((dy, y) => tf.mul(dy, y)),
  Log: unary((dy, x) => tf.div(dy, x)),
  Sqrt: fromOutput((dy, y) => tf.div(dy, tf.mul(y, 2))),
  Rsqrt: fromOutput((dy, y) => tf.mul(tf.mul(dy, -0.5), tf.mul(y, tf.square(y)))),
  Sigmoid: fromOutput((dy, y) => tf.mul(dy, tf.mul(y, tf.sub(1, y)))),
  Tanh: fromOutput((dy, y) => tf.mul(dy, tf.sub(1, tf.square(y)))),
  Relu: fromOutput((dy, y) => tf.mul(dy, tf.step(y))),
  Step: flat('x'),
  Sign: flat('x'),
  Floor: flat('x'),
  Round: flat('x'),
  Greater: flat('a', 'b'),
  GreaterEqual: flat('a', 'b'),
  Less: flat('a', 'b'),
  LessEqual: flat('a', 'b'),
  Equal: flat('a', 'b'),
  Select: {
    inputs: ['condition', 't', 'e'],
    backward: (dy, [condition, t, e]) => ({
      condition: () => tf.zeros(condition!.shape),
      t: () => unbroadcast(where(condition!, dy), t!.shape),
      e: () => unbroadcast(where(tf.logicalNot(condition!), dy), e!.shape),
    }),
  },
  ClipByValue: {
    inputs: ['x'],
    backward: (dy, [x], { clipValueMin, clipValueMax }) => ({
      x: () => {
        const inside = tf.logicalAnd(
          tf.greaterEqual(x!, clipValueMin as number),
          tf.lessEqual(x!, clipValueMax as number),
        );
        return where(inside, dy);
      },
    }),
  },
};

const reductions: Record<string, GradientRule> = {
  Sum: {
    inputs: ['x'],
    backward: (dy, [x], { axis }) => ({
      x: () => spread(dy, x!.shape, axis),
    }),
  },
  Mean: {
    inputs: ['x'],
    backward: (dy, [x], { axis }) => ({
      x: () => {
        const share = dy.size / x!.size;
        return spread(tf.mul(dy, share), x!.shape, axis);
      },
    }),
  },
  Max: {
    inputs: ['x'],
    outputs: [true],
    backward: (dy, [x, y], { reductionIndices }) => ({
      x: () => {
        const kept = (reduced: tf.Tensor): tf.Tensor => keepReduced(reduced, x!.shape, reductionIndices);
        return where(tf.equal(x!, kept(y!)), kept(dy));
      },
    }),
  },
  Softmax: {
    outputs: [true],
    backward: (dy, [y], { dim }) => ({
      logits: () => {
        const weighted = tf.mul(dy, y!);
        return tf.sub(weighted, tf.mul(tf.sum(weighted, dim as number, true), y!));
      },
    }),
  },
  LogSoftmax: {
    outputs: [true],
    backward: (dy, [y], { axis }) => ({
      logits: () => tf.sub(dy, tf.mul(tf.sum(dy, axis as number, true), tf.exp(y!))),
    }),
  },
};

const layouts: Record<string, GradientRule> = {
  Identity: { backward: (dy) => ({ x: () => tf.clone(dy) }) },
  Cast: { backward: (dy) => ({ x: () => tf.clone(dy) }) },
  Reshape: unary((dy, x) => tf.reshape(dy, x.shape)),
  ExpandDims: { inputs: ['input'], backward: (dy, [x]) => ({ input: () => tf.reshape(dy, x!.shape) }) },
  Transpose: {
    backward: (dy, _, { perm }) => ({
      x: () => tf.transpose(dy, tf.backend_util.getUndoAxesPermutation(perm as number[])),
    }),
  },
  BroadcastTo: unary((dy, x) => unbroadcast(dy, x.shape)),
  Slice: {
    inputs: ['x'],
    backward: (dy, [x], { begin }) => ({
      x: () => {
        const starts = begin as number[];
        const paddings = x!.shape.map((side, axis): [number, number] => {
          const start = starts[axis] ?? 0;
          return [start, side - start - dy.shape[axis]!];
        });
        return tf.pad(dy, paddings);
      },
    }),
  },
  PadV2: {
    inputs: ['x'],
    backward: (dy, [x], { paddings }) => ({
      x: () =>
        tf.slice(
          dy,
          (paddings as [number, number][]).map(([before]) => before),
          x!.shape,
        ),
    }),
  },
  Tile: {
    inputs: ['x'],
    backward: (dy, [x], { reps }) => ({
      x: () => {
        const counts = reps as number[];
        const split = x!.shape.flatMap((side, axis) => [counts[axis]!, side]);
        return tf.reshape(
          tf.sum(
            tf.reshape(dy, split),
            x!.shape.map((_, axis) => 2 * axis),
          ),
          x!.shape,
        );
      },
    }),
  },
  Reverse: { backward: (dy, _, { dims }) => ({ x: () => tf.reverse(dy, dims as number[]) }) },
};

const products: Record<string, GradientRule> = {
  BatchMatMul: {
    inputs: ['a', 'b'],
    backward: (dy, [a, b], { transposeA, transposeB }) => ({
      a: () => {
        const gradient = transposeA
          ? tf.matMul(b!, dy, Boolean(transposeB), true)
          : tf.matMul(dy, b!, false, !transposeB);
        return unbroadcast(gradient, a!.shape);
      },
      b: () => {
        const gradient = transposeB
          ? tf.matMul(dy, a!, true, Boolean(transposeA))
          : tf.matMul(a!, dy, !transposeA, false);
        return unbroadcast(gradient, b!.shape);
      },
    }),
  },
};

/** Operations whose inputs are a list: their inputs are named by position. */
function registerLists(): void {
  const register = (
    kernelName: string,
    gradFunc: (dy: tf.Tensor | tf.Tensor[], saved: Saved, attributes: Attributes) => Thunks,
  ): void =>
    tf.registerGradient({
      kernelName,
      saveAllInputs: true,
      gradFunc: gradFunc as unknown as tf.GradFunc,
    });
  register('AddN', (dy, saved) =>
    Object.fromEntries(saved.map((_, index) => [`${index}`, () => tf.clone(dy as tf.Tensor)])),
  );
  register('Concat', (dy, saved, { axis }) => {
    const along = tf.util.parseAxisParam(axis as number, saved[0]!.shape)[0]!;
    const parts = tf.split(
      dy as tf.Tensor,
      saved.map(({ shape }) => shape[along]!),
      along,
    );
    return Object.fromEntries(parts.map((part, index) => [`${index}`, () => part]));
  });
  register('Pack', (dy, _, { axis }) =>
    Object.fromEntries(
      tf.unstack(dy as tf.Tensor, axis as number).map((part, index) => [`${index}`, () => part]),
    ),
  );
  const joining = (
    kernelName: string,
    input: string,
    join: (parts: tf.Tensor[], axis: number) => tf.Tensor,
  ): void =>
    tf.registerGradient({
      kernelName,
      gradFunc: (dys, _, attributes) => ({
        [input]: () => join(Array.isArray(dys) ? dys : [dys], attributes['axis'] as number),
      }),
    });
  joining('Unpack', 'value', tf.stack);
  joining('SplitV', 'x', tf.concat);
}

let registered = false;

/** Makes the gradients known to tfjs, once. */
export function registerGradients(): void {
  if (registered) return;
  registered = true;
  for (const [kernelName, rule] of Object.entries({
    ...arithmetic,
    ...reductions,
    ...layouts,
    ...products,
  })) {
    tf.registerGradient({
      kernelName,
      inputsToSave: [...(rule.inputs ?? [])],
      outputsToSave: [...(rule.outputs ?? [])],
      gradFunc: rule.backward as unknown as tf.GradFunc,
    });
  }
  registerLists();
}
