import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, type Kernel } from './kernel.ts';
import { poolShape, requirePool } from './pool-shape.ts';

interface MaxPoolAttributes {
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
  shapes: ({ input }, { size }) => [poolShape(input.shape, size)],
  reference: ({ input }, { size }) => [tf.maxPool(input as tf.Tensor4D, size, size, 'valid')],
  host: ({ input }, [output], { size }) => {
    const [maps, height, width, channels] = output!.shape as [number, number, number, number];
    const [, inputHeight, inputWidth] = input.shape as [number, number, number, number];
    const source = input.values;
    const target = output!.values;
    let to = 0;
    for (let map = 0; map < maps; map++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const corner = ((map * inputHeight + y * size) * inputWidth + x * size) * channels;
          for (let c = 0; c < channels; c++) target[to + c] = source[corner + c]!;
          for (let square = 1; square < size * size; square++) {
            const from = corner + (Math.floor(square / size) * inputWidth + (square % size)) * channels;
            for (let c = 0; c < channels; c++) {
              const value = source[from + c]!;
              if (value > target[to + c]!) target[to + c] = value;
            }
          }
          to += channels;
        }
      }
    }
  },
  gradient: {
    saveInputs: ['input'],
    backward: ([outputGradient], { input }, _, attributes) => ({
      input: () => gradientKernel.run({ input, outputGradient: outputGradient! }, attributes)[0]!,
    }),
  },
});

const gradientKernel = defineKernel<'input' | 'outputGradient', MaxPoolAttributes>({
  name: 'MaximumPoolGradient',
  shapes: ({ input }) => [[...input.shape]],
  reference: ({ input, outputGradient }, { size }) => {
    const [maps, rows, columns, channels] = outputGradient.shape as [number, number, number, number];
    const [, height, width] = input.shape as [number, number, number, number];
    const covered = tf.slice(input, [0, 0, 0, 0], [maps, rows * size, columns * size, channels]);
    const split = tf.reshape(covered, [maps, rows, size, columns, size, channels]);
    const squares = tf.reshape(tf.transpose(split, [0, 1, 3, 5, 2, 4]), [-1, size * size]);
    const first = tf.oneHot(tf.argMax(squares, 1) as tf.Tensor1D, size * size, 1, 0, 'float32');
    const gradients = tf.mul(first, tf.reshape(outputGradient, [-1, 1]));
    const unfolded = tf.reshape(gradients, [maps, rows, columns, channels, size, size]);
    const placed = tf.reshape(tf.transpose(unfolded, [0, 1, 4, 2, 5, 3]), [
      maps,
      rows * size,
      columns * size,
      channels,
    ]) as tf.Tensor4D;
    return [
      tf.pad(placed, [
        [0, 0],
        [0, height - rows * size],
        [0, width - columns * size],
        [0, 0],
      ]),
    ];
  },
  host: ({ input, outputGradient }, [inputGradient], { size }) => {
    const [maps, rows, columns, channels] = outputGradient.shape as [number, number, number, number];
    const [, height, width] = input.shape as [number, number, number, number];
    const source = input.values;
    const target = inputGradient!.values;
    target.fill(0);
    const best = new Int32Array(channels);
    let from = 0;
    for (let map = 0; map < maps; map++) {
      for (let y = 0; y < rows; y++) {
        for (let x = 0; x < columns; x++) {
          const corner = ((map * height + y * size) * width + x * size) * channels;
          for (let c = 0; c < channels; c++) best[c] = corner + c;
          for (let square = 1; square < size * size; square++) {
            const place = corner + (Math.floor(square / size) * width + (square % size)) * channels;
            for (let c = 0; c < channels; c++)
              if (source[place + c]! > source[best[c]!]!) best[c] = place + c;
          }
          for (let c = 0; c < channels; c++) target[best[c]!] = outputGradient.values[from++]!;
        }
      }
    }
  },
});
