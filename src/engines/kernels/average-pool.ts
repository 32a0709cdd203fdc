import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, type Kernel } from './kernel.ts';
import { requirePool } from './pool-shape.ts';

/** Side of a square, and the input's pixels. */
export interface AveragePoolAttributes {
  readonly size: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Mean over squares of `size` x `size` pixels, [maps, height, width, channels]; what does not fill a square at the
 * lower and right edge is left out.
 */
export function averagePool(input: tf.Tensor, size = 2): tf.Tensor4D {
  requirePool('averagePool', input, size);
  const [, height, width] = input.shape as [number, number, number, number];
  return averagePoolKernel.run({ input }, { size, height, width })[0] as tf.Tensor4D;
}

export const averagePoolKernel: Kernel<'input', AveragePoolAttributes> = defineKernel<
  'input',
  AveragePoolAttributes
>({
  name: 'AveragePool',
  reference: ({ input }, { size }) => [tf.avgPool(input as tf.Tensor4D, size, size, 'valid')],
  gradient: {
    saveInputs: [],
    backward: ([outputGradient], _inputs, _outputs, attributes) => ({
      input: () => averagePoolGradientKernel.run({ outputGradient: outputGradient! }, attributes)[0]!,
    }),
  },
});

export const averagePoolGradientKernel: Kernel<'outputGradient', AveragePoolAttributes> = defineKernel<
  'outputGradient',
  AveragePoolAttributes
>({
  name: 'AveragePoolGradient',
  reference: ({ outputGradient }, { size, height, width }) => {
    const [maps, rows, columns, channels] = outputGradient.shape as [number, number, number, number];
    const shares = tf.reshape(tf.mul(outputGradient, 1 / (size * size)), [
      maps,
      rows,
      1,
      columns,
      1,
      channels,
    ]);
    const spread = tf.mul(shares, tf.ones([1, 1, size, 1, size, 1]));
    const covered = tf.reshape(spread, [maps, rows * size, columns * size, channels]) as tf.Tensor4D;
    return [
      tf.pad(covered, [
        [0, 0],
        [0, height - rows * size],
        [0, width - columns * size],
        [0, 0],
      ]),
    ];
  },
});
