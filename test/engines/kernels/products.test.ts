import * as tf from '@tensorflow/tfjs-core';
import { it } from 'vitest';
import { describeEngines } from '../engines.ts';
import { expectOperation, randomPlain } from './compare.ts';
import * as reference from './plain.ts';

describeEngines('products of matrices', () => {
  it.each([
    { a: [1, 5, 7], b: [1, 7, 9], transposed: [false, false] },
    { a: [3, 4, 8], b: [3, 8, 16], transposed: [false, false] },
    { a: [2, 1, 3], b: [2, 3, 1], transposed: [false, false] },
    { a: [1, 2, 6], b: [4, 6, 5], transposed: [false, false] },
    { a: [3, 6, 5], b: [1, 6, 13], transposed: [true, false] },
    { a: [2, 9, 4], b: [2, 9, 8], transposed: [true, false] },
    { a: [2, 5, 11], b: [2, 6, 11], transposed: [false, true] },
    { a: [1, 3, 4], b: [3, 7, 4], transposed: [false, true] },
    { a: [2, 4, 3], b: [2, 5, 4], transposed: [true, true] },
  ])('of $a and $b, transposed $transposed', async ({ a, b, transposed }) => {
    const [transposeA, transposeB] = transposed as [boolean, boolean];
    await expectOperation(
      (x, y) => tf.matMul(x!, y!, transposeA, transposeB),
      ([x, y]) => reference.product(x!, y!, transposeA, transposeB),
      [randomPlain(a, 'a'), randomPlain(b, 'b')],
    );
  });
});
