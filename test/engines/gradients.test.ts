import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { describeEngines } from './engines.ts';
import { expectOperation, randomPlain } from './kernels/compare.ts';
import { type Plain, plain, sizeOf } from './kernels/plain.ts';

const map = (x: Plain, value: (element: number, index: number) => number): Plain =>
  plain(x.shape, (index) => value(x.values[index]!, index));

/** Element of a tensor that broadcasts to `shape`, for each element of it. */
function broadcast(x: Plain, shape: readonly number[]): Plain {
  const sides = [...Array.from({ length: shape.length - x.shape.length }, () => 1), ...x.shape];
  return plain(shape, (index) => {
    let [place, step, rest] = [0, 1, index];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += (sides[axis] === 1 ? 0 : rest % shape[axis]!) * step;
      step *= sides[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return x.values[place]!;
  });
}

const positive = (shape: number[], name: string): Plain =>
  map(randomPlain(shape, name), (value) => 1.5 + value);

const unary: Record<
  string,
  { run: (x: tf.Tensor) => tf.Tensor; value: (x: number) => number; positive?: boolean }
> = {
  neg: { run: tf.neg, value: (x) => -x },
  abs: { run: tf.abs, value: Math.abs },
  square: { run: tf.square, value: (x) => x * x },
  exp: { run: tf.exp, value: Math.exp },
  log: { run: tf.log, value: Math.log, positive: true },
  sqrt: { run: tf.sqrt, value: Math.sqrt, positive: true },
  rsqrt: { run: tf.rsqrt, value: (x) => 1 / Math.sqrt(x), positive: true },
  sigmoid: { run: tf.sigmoid, value: (x) => 1 / (1 + Math.exp(-x)) },
  tanh: { run: tf.tanh, value: Math.tanh },
  relu: { run: tf.relu, value: (x) => Math.max(0, x) },
  clip: { run: (x) => tf.clipByValue(x, -0.5, 0.5), value: (x) => Math.min(0.5, Math.max(-0.5, x)) },
  'where on the input': {
    run: (x) => tf.where(tf.greater(x, 0.1), tf.mul(x, 3), tf.square(x)),
    value: (x) => (x > 0.1 ? 3 * x : x * x),
  },
};

const binary: Record<
  string,
  { run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor; value: (a: number, b: number) => number }
> = {
  add: { run: (a, b) => tf.add(a, b), value: (a, b) => a + b },
  sub: { run: (a, b) => tf.sub(a, b), value: (a, b) => a - b },
  mul: { run: (a, b) => tf.mul(a, b), value: (a, b) => a * b },
  div: { run: (a, b) => tf.div(a, b), value: (a, b) => a / b },
  squaredDifference: { run: (a, b) => tf.squaredDifference(a, b), value: (a, b) => (a - b) ** 2 },
  maximum: { run: (a, b) => tf.maximum(a, b), value: Math.max },
  minimum: { run: (a, b) => tf.minimum(a, b), value: Math.min },
};

/** Rearrangements, told by where each output element comes from. */
const layouts: Record<
  string,
  { run: (x: tf.Tensor) => tf.Tensor; shape: number[]; out: number[]; from: (i: number) => number }
> = {
  reshape: { run: (x) => tf.reshape(x, [6, 4]), shape: [2, 3, 4], out: [6, 4], from: (i) => i },
  expandDims: { run: (x) => tf.expandDims(x, 1), shape: [3, 4], out: [3, 1, 4], from: (i) => i },
  squeeze: { run: (x) => tf.squeeze(x, [1]), shape: [3, 1, 4], out: [3, 4], from: (i) => i },
  transpose: {
    run: (x) => tf.transpose(x, [2, 0, 1]),
    shape: [2, 3, 5],
    out: [5, 2, 3],
    from: (i) => (i % 6) * 5 + Math.floor(i / 6),
  },
  slice: {
    run: (x) => tf.slice(x, [1, 0, 2], [1, 3, 2]),
    shape: [3, 3, 5],
    out: [1, 3, 2],
    from: (i) => 15 + Math.floor(i / 2) * 5 + 2 + (i % 2),
  },
  tile: {
    run: (x) => tf.tile(x, [2, 3]),
    shape: [2, 2],
    out: [4, 6],
    from: (i) => (Math.floor(i / 6) % 2) * 2 + (i % 2),
  },
  broadcastTo: {
    run: (x) => tf.broadcastTo(x, [2, 3, 4]),
    shape: [1, 4],
    out: [2, 3, 4],
    from: (i) => i % 4,
  },
  reverse: {
    run: (x) => tf.reverse(x, 1),
    shape: [2, 4],
    out: [2, 4],
    from: (i) => i - (i % 4) + 3 - (i % 4),
  },
  'concat and split': {
    run: (x) => tf.concat(tf.split(x, [1, 3], 1).toReversed(), 1),
    shape: [2, 4],
    out: [2, 4],
    from: (i) => i - (i % 4) + ((i + 1) % 4),
  },
  'stack and unstack': {
    run: (x) => tf.stack(tf.unstack(x, 0), 1),
    shape: [2, 3],
    out: [3, 2],
    from: (i) => (i % 2) * 3 + Math.floor(i / 2),
  },
};

const reductions = [
  { shape: [3, 4, 5], axis: [0, 1, 2], keep: false },
  { shape: [3, 4, 5], axis: [2], keep: true },
  { shape: [3, 4, 5], axis: [0], keep: false },
  { shape: [2, 3, 4, 6], axis: [1, 2], keep: false },
  { shape: [2, 3, 4, 6], axis: [0, 1, 2], keep: true },
  { shape: [2, 3, 4, 6], axis: [0, 2], keep: false },
];

function reduce(x: Plain, axis: readonly number[], keep: boolean, join: (values: number[]) => number): Plain {
  const kept = x.shape.map((side, index) => (axis.includes(index) ? 1 : side));
  const target = broadcast(
    plain(kept, (index) => index),
    x.shape,
  );
  const groups = Array.from({ length: sizeOf(kept) }, (): number[] => []);
  x.values.forEach((value, index) => {
    groups[target.values[index]!]!.push(value);
  });
  return plain(keep ? kept : kept.filter((_, index) => !axis.includes(index)), (index) =>
    join(groups[index]!),
  );
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

function softmax(x: Plain): Plain {
  const side = x.shape.at(-1)!;
  return map(x, (value, index) => {
    const start = index - (index % side);
    return Math.exp(value) / total([...x.values.slice(start, start + side)].map(Math.exp));
  });
}

describeEngines('gradients', () => {
  it.each(Object.keys(unary))('%s', async (name) => {
    const { run, value, ...options } = unary[name]!;
    const x = options.positive ? positive([3, 5], name) : randomPlain([3, 5], name);
    await expectOperation(
      (tensor) => run(tensor!),
      ([input]) => map(input!, (element) => value(element)),
      [x],
    );
  });

  describe.each([
    { a: [2, 3], b: [2, 3] },
    { a: [2, 3, 4], b: [4] },
    { a: [3, 1], b: [2, 1, 4] },
    { a: [], b: [2, 3] },
  ])('of $a and $b', ({ a, b }) => {
    it.each(Object.keys(binary))('%s', async (name) => {
      const { run, value } = binary[name]!;
      await expectOperation(
        (x, y) => run(x!, y!),
        ([x, y]) => {
          const shape = tf.broadcast_util.assertAndGetBroadcastShape([...x!.shape], [...y!.shape]);
          const [left, right] = [broadcast(x!, shape), broadcast(y!, shape)];
          return plain(shape, (index) => value(left.values[index]!, right.values[index]!));
        },
        [randomPlain(a, 'a'), positive(b, 'b')],
      );
    });
  });

  it.each(Object.keys(layouts))('%s', async (name) => {
    const { run, shape, out, from } = layouts[name]!;
    await expectOperation(
      (x) => run(x!),
      ([x]) => plain(out, (index) => x!.values[from(index)]!),
      [randomPlain(shape, name)],
    );
  });

  it('pad', async () => {
    await expectOperation(
      (x) =>
        tf.pad(x!, [
          [1, 0],
          [0, 2],
        ]),
      ([x]) =>
        plain([3, 5], (i) => (i < 5 || i % 5 > 2 ? 0 : x!.values[(Math.floor(i / 5) - 1) * 3 + (i % 5)]!)),
      [randomPlain([2, 3], 'pad')],
    );
  });

  it.each(reductions)('sum, mean and max of $shape over $axis', async ({ shape, axis, keep }) => {
    const x = randomPlain(shape, 'x');
    const largest = (values: number[]): number => Math.max(...values);
    const average = (values: number[]): number => total(values) / values.length;
    await expectOperation(
      (t) => tf.sum(t!, axis, keep),
      ([p]) => reduce(p!, axis, keep, total),
      [x],
    );
    await expectOperation(
      (t) => tf.mean(t!, axis, keep),
      ([p]) => reduce(p!, axis, keep, average),
      [x],
    );
    await expectOperation(
      (t) => tf.max(t!, axis, keep),
      ([p]) => reduce(p!, axis, keep, largest),
      [x],
    );
  });

  it('softmax and its logarithm', async () => {
    const x = randomPlain([3, 2, 5], 'x');
    await expectOperation(
      (t) => tf.softmax(t!),
      ([p]) => softmax(p!),
      [x],
    );
    await expectOperation(
      (t) => tf.logSoftmax(t!),
      ([p]) => map(softmax(p!), (value) => Math.log(value)),
      [x],
    );
  });

  it('addN', async () => {
    await expectOperation(
      (a, b, c) => tf.addN([a!, b!, c!]),
      ([a, b, c]) => map(a!, (value, i) => value + b!.values[i]! + c!.values[i]!),
      ['a', 'b', 'c'].map((name) => randomPlain([2, 3], name)),
    );
  });

  it('sums many values with little rounding', async () => {
    const x = plain([3, 40_000], (i) => Math.fround(1 + (i % 7) / 8));
    const tensor = tf.tensor(Float32Array.from(x.values), [3, 40_000]);
    const sum = tf.sum(tensor, 1);
    const found = await sum.data();
    const expected = reduce(x, [1], false, total);
    for (const [row, value] of expected.values.entries())
      expect(Math.abs(found[row]! / value - 1)).toBeLessThan(1e-5);
    tf.dispose([tensor, sum]);
  });
});
