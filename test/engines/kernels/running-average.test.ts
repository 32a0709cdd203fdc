import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { runningAverages } from '../../../src/engines/kernels/index.ts';
import { describeEngines } from '../engines.ts';
import { randomPlain, tensorOf } from './compare.ts';

describeEngines('running averages', () => {
  describe.each([0.1, 1])('that move by %f', (share) => {
    it('lie between what they were and the new values, whatever their shapes', async () => {
      const shapes = [[7], [64], [3, 70], [1]];
      const plains = shapes.map((shape, index) => ({
        average: randomPlain(shape, `average ${index}`),
        value: randomPlain(shape, `value ${index}`),
      }));
      const before = tf.memory().numTensors;
      const steps = plains.map(({ average, value }) => ({
        average: tensorOf(average),
        value: tensorOf(value),
      }));
      // What one step gives is what the next one begins with.
      const once = runningAverages(steps, share);
      const twice = runningAverages(
        once.map((average, index) => ({ average, value: steps[index]!.value })),
        share,
      );
      for (const [index, { average, value }] of plains.entries()) {
        expect(twice[index]!.shape).toEqual(shapes[index]);
        (await twice[index]!.data()).forEach((found, at) => {
          const [from, to] = [average.values[at]!, value.values[at]!];
          expect(found).toBeCloseTo(to + (from - to) * (1 - share) ** 2, 5);
        });
      }
      tf.dispose([...steps.flatMap(({ average, value }) => [average, value]), ...once, ...twice]);
      expect(tf.memory().numTensors).toBe(before);
    });
  });
});
