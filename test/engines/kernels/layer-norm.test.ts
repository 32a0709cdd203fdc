import { expect, it } from 'vitest';
import { layerNorm } from '../../../src/engines/kernels/index.ts';
import { ShapeError } from '../../../src/errors.ts';
import { describeEngines } from '../engines.ts';
import { expectOperation, randomPlain, tensorOf } from './compare.ts';
import { type Plain, plain } from './plain.ts';

/** Layer normalisation in float64. */
function reference([x, gamma, beta]: readonly Plain[]): Plain {
  const width = x!.shape.at(-1)!;
  return plain(x!.shape, (index) => {
    const row = x!.values.subarray(index - (index % width), index - (index % width) + width);
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    const normal = (x!.values[index]! - mean) / Math.sqrt(variance + 1e-5);
    return normal * gamma!.values[index % width]! + beta!.values[index % width]!;
  });
}

describeEngines('layer normalisation', () => {
  it.each([[[3, 8]], [[2, 5, 33]], [[150, 4]], [[1, 2]]])('of %j', async (shape) => {
    const width = shape.at(-1)!;
    const inputs = [randomPlain(shape, 'x'), randomPlain([width], 'gamma'), randomPlain([width], 'beta')];
    await expectOperation((x, gamma, beta) => layerNorm(x!, gamma!, beta!), reference, inputs, {
      gradient: 1e-4,
    });
  });

  it('says what shapes it wants', () => {
    const tensors = [[2, 3], [3], [2]].map((shape) => tensorOf(randomPlain(shape, 's')));
    expect(() => layerNorm(tensors[0]!, tensors[1]!, tensors[2]!)).toThrow(ShapeError);
  });
});
