import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, type Kernel } from './kernel.ts';
import { requirePool } from './pool-shape.ts';

/** Side of a square. */
export interface MaxPoolAttributes {
  readonly size: number;
}

/**
 * Maximum over squares of `size` x `size` pixels, [maps, height, width, channels]; what does not fill a square at
 * the lower and right edge is left out. The gradient goes to the first maximum in reading order, as in PyTorch:
 * spikes tie, so engines must agree.
 */
export function maxPool(input: tf.Tensor, size = 2): tf.Tensor4D {
  requirePool('maxPool', input, size);
  return maxPoolKernel.run({ input }, { size })[0] as tf.Tensor4D;
}

export const maxPoolKernel: Kernel<'input', MaxPoolAttributes> = defineKernel<'input', MaxPoolAttributes>({
  name: 'MaximumPool',
  reference: ({ input }, { size }) => [tf.maxPool(input as tf.Tensor4D, size, size, 'valid')],
  gradient: {
    saveInputs: ['input'],
    backward: ([outputGradient], { input }, _, attributes) => ({
      input: () => maxPoolGradientKernel.run({ input, outputGradient: outputGradient! }, attributes)[0]!,
    }),
  },
});

export const maxPoolGradientKernel: Kernel<'input' | 'outputGradient', MaxPoolAttributes> = defineKernel<
  'input' | 'outputGradient',
  MaxPoolAttributes
>({
  name: 'MaximumPoolGradient',
  reference: ({ input, outputGradient }, { size }) => {
    const [maps, rows, columns, channels] = outputGradient.shape as [number, number, number, number];
    const [, height, width] = input.shape as [number, number, number, number];
    const covered = tf.slice(input, [0, 0, 0, 0], [maps, rows * size, columns * size, channels]);
    const squares = tf.reshape(covered, [maps * rows, size, columns, size, channels]);
    const most = tf.max(squares, [1, 3]);
    let open: tf.Tensor = tf.onesLike(most);
    const gradients = tf.unstack(squares, 1).map((line) => {
      const pixels = tf.unstack(line, 2).map((pixel) => {
        const first = tf.mul(open, tf.cast(tf.equal(pixel, most), 'float32'));
        open = tf.sub(open, first);
        return tf.mul(first, tf.reshape(outputGradient, most.shape));
      });
      return tf.stack(pixels, 2);
    });
    const placed = tf.reshape(tf.stack(gradients, 1), [maps, rows * size, columns * size, channels]);
    return [
      tf.pad(placed, [
        [0, 0],
        [0, height - rows * size],
        [0, width - columns * size],
        [0, 0],
      ]),
    ];
  },
});
