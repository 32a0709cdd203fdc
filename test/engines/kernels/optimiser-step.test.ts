import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { adamSteps, momentumSteps, norm } from '../../../src/engines/kernels/index.ts';
import { describeEngines } from '../engines.ts';
import { expectNear, randomPlain, tensorOf } from './compare.ts';
import { plain } from './plain.ts';

const numbers = { scale: 0.5, learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

describeEngines('optimiser updates', () => {
  it.each([
    { shape: [3], coupledDecay: 0.1, decoupledDecay: 0, step: 1 },
    { shape: [3, 3, 7, 5], coupledDecay: 0, decoupledDecay: 0.05, step: 7 },
    { shape: [70, 130], coupledDecay: 0, decoupledDecay: 0, step: 1000 },
  ])('Adam over $shape at step $step', async ({ shape, ...own }) => {
    const [p, g, m, raw] = ['p', 'g', 'm', 's'].map((name) => randomPlain(shape, name));
    const s = plain(shape, (i) => raw!.values[i]! ** 2);
    const expected = [...p!.values].map((value, i) => {
      const direction = g!.values[i]! * numbers.scale + own.coupledDecay * value;
      const mean = numbers.beta1 * m!.values[i]! + (1 - numbers.beta1) * direction;
      const square = numbers.beta2 * s.values[i]! + (1 - numbers.beta2) * direction ** 2;
      const corrected = Math.sqrt(square / (1 - numbers.beta2 ** own.step)) + numbers.epsilon;
      const change = mean / (1 - numbers.beta1 ** own.step) / corrected;
      const kept = value * (1 - numbers.learningRate * own.decoupledDecay);
      return [kept - numbers.learningRate * change, mean, square];
    });
    const tensors = {
      parameter: tensorOf(p!),
      gradient: tensorOf(g!),
      mean: tensorOf(m!),
      square: tensorOf(s),
    };
    // Among others, which must not matter.
    const small = [0, 1].map((index) => randomPlain([2, 3], `other ${index}`));
    const other = { parameter: tensorOf(small[0]!), gradient: tensorOf(small[1]!), mean: tf.zeros([2, 3]) };
    const others = {
      tensors: { ...other, square: tf.ones([2, 3]) },
      numbers: { ...numbers, ...own, scale: 3 },
    };
    const all = adamSteps([others, { tensors, numbers: { ...numbers, ...own } }, others]);
    const [first, updated] = all as [(typeof all)[number], (typeof all)[number]];
    const [alone] = adamSteps([others]);
    expect(await first.parameter.data()).toStrictEqual(await alone!.parameter.data());
    for (const [index, name] of (['parameter', 'mean', 'square'] as const).entries()) {
      await expectNear(
        updated[name],
        plain(shape, (i) => expected[i]![index]!),
        2e-6,
        name,
      );
    }
    tf.dispose([tensors, updated]);
  });

  it('momentum', async () => {
    const shape = [5, 9];
    const [p, g, v] = ['p', 'g', 'v'].map((name) => randomPlain(shape, name));
    const tensors = { parameter: tensorOf(p!), gradient: tensorOf(g!), velocity: tensorOf(v!) };
    const own = { scale: 2, learningRate: 0.1, momentum: 0.9, weightDecay: 0.01 };
    const [updated] = momentumSteps([{ tensors, numbers: own }]) as [
      Record<'parameter' | 'velocity', tf.Tensor>,
    ];
    const velocity = plain(shape, (i) => 0.9 * v!.values[i]! + 2 * g!.values[i]! + 0.01 * p!.values[i]!);
    await expectNear(updated.velocity, velocity, 2e-6, 'velocity');
    await expectNear(
      updated.parameter,
      plain(shape, (i) => p!.values[i]! - 0.1 * velocity.values[i]!),
      2e-6,
      'parameter',
    );
    tf.dispose([tensors, updated]);
  });

  it('the norm of tensors of all sizes together', async () => {
    const values = [[], [1], [7, 9], [3, 3000], [5001]].map((shape, i) => randomPlain(shape, `norm ${i}`));
    const expected = Math.hypot(...values.flatMap((each) => [...each.values]));
    const result = norm(values.map(tensorOf));
    await expectNear(
      result,
      plain([], () => expected),
      2e-6,
      'norm',
    );
  });
});
