import { it } from 'vitest';
import { scaledSum } from '../../../src/engines/kernels/index.ts';
import { describeEngines } from '../engines.ts';
import { expectOperation, randomPlain } from './compare.ts';
import { plain } from './plain.ts';

describeEngines('the scaled sum', () => {
  it.each([[[1]], [[3, 7]], [[2, 5, 11]]])('of %j', async (shape) => {
    await expectOperation(
      (x) => scaledSum(x!, 0.3),
      ([x]) => plain([], () => 0.3 * x!.values.reduce((sum, value) => sum + value, 0)),
      [randomPlain(shape, 'x')],
    );
  });
});
