import { expect, it } from 'vitest';
import { linearMap } from '../../../src/engines/kernels/index.ts';
import { ShapeError } from '../../../src/errors.ts';
import { describeEngines } from '../engines.ts';
import { expectOperation, randomPlain, tensorOf } from './compare.ts';
import { type Plain, plain } from './plain.ts';

function reference([x, weight, bias]: readonly Plain[], rectify: boolean): Plain {
  const [inputs, outputs] = weight!.shape as [number, number];
  return plain([...x!.shape.slice(0, -1), outputs], (index) => {
    const [row, column] = [Math.floor(index / outputs), index % outputs];
    let sum = bias!.values[column]!;
    for (let i = 0; i < inputs; i++) {
      sum += x!.values[row * inputs + i]! * weight!.values[i * outputs + column]!;
    }
    return rectify ? Math.max(0, sum) : sum;
  });
}

describeEngines('linear maps', () => {
  it.each([
    { shape: [3, 8], outputs: 5, rectify: false },
    { shape: [2, 5, 7], outputs: 33, rectify: false },
    { shape: [2, 5, 7], outputs: 33, rectify: true },
    { shape: [1, 1], outputs: 1, rectify: true },
  ])('of $shape to $outputs, rectified $rectify', async ({ shape, outputs, rectify }) => {
    const inputs = [
      randomPlain(shape, 'x'),
      randomPlain([shape.at(-1)!, outputs], 'weight'),
      randomPlain([outputs], 'bias'),
    ];
    await expectOperation(
      (x, weight, bias) => linearMap(x!, weight!, bias!, { rectify }),
      (values) => reference(values, rectify),
      inputs,
    );
  });

  it('says what shapes it wants', () => {
    const tensors = [[2, 3], [4, 5], [5]].map((shape) => tensorOf(randomPlain(shape, 's')));
    expect(() => linearMap(tensors[0]!, tensors[1]!, tensors[2]!)).toThrow(ShapeError);
  });
});
