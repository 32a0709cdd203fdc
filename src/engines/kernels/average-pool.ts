import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, type Kernel } from './kernel.ts';
import { poolShape, requirePool } from './pool-shape.ts';

interface AveragePoolAttributes {
  readonly size: number;
}

/**
 * Mean over squares of `size` x `size` pixels, [maps, height, width, channels]; what does not fill a square at the
 * lower and right edge is left out.
 */
export function averagePool(input: tf.Tensor, size = 2): tf.Tensor4D {
  requirePool('averagePool', input, size);
  return averagePoolKernel.run({ input }, { size })[0] as tf.Tensor4D;
}

export const averagePoolKernel: Kernel<'input', AveragePoolAttributes> = defineKernel<
  'input',
  AveragePoolAttributes
>({
  name: 'AveragePool',
  shapes: ({ input }, { size }) => [poolShape(input.shape, size)],
  reference: ({ input }, { size }) => [tf.avgPool(input as tf.Tensor4D, size, size, 'valid')],
  host: ({ input }, [output], { size }) => {
    const [maps, height, width, channels] = output!.shape as [number, number, number, number];
    const [, inputHeight, inputWidth] = input.shape as [number, number, number, number];
    const source = input.values;
    const target = output!.values;
    const share = 1 / (size * size);
    const sums = new Float32Array(channels);
    let to = 0;
    for (let map = 0; map < maps; map++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          sums.fill(0);
          for (let dy = 0; dy < size; dy++) {
            let from = ((map * inputHeight + y * size + dy) * inputWidth + x * size) * channels;
            for (let dx = 0; dx < size; dx++) {
              for (let c = 0; c < channels; c++) sums[c]! += source[from++]!;
            }
          }
          for (let c = 0; c < channels; c++) target[to++] = sums[c]! * share;
        }
      }
    }
  },
  gradient: {
    saveInputs: ['input'],
    backward: ([outputGradient], { input }, _, { size }) => ({
      input: () => {
        const [, height, width] = input.shape as number[];
        return gradientKernel.run(
          { outputGradient: outputGradient! },
          { size, height: height!, width: width! },
        )[0]!;
      },
    }),
  },
});

interface GradientAttributes extends AveragePoolAttributes {
  /** Of the input. */
  readonly height: number;
  readonly width: number;
}

const gradientKernel = defineKernel<'outputGradient', GradientAttributes>({
  name: 'AveragePoolGradient',
  shapes: ({ outputGradient }, { height, width }) => {
    const [maps, , , channels] = outputGradient.shape as [number, number, number, number];
    return [[maps, height, width, channels]];
  },
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
  host: ({ outputGradient }, [inputGradient], { size }) => {
    const [maps, rows, columns, channels] = outputGradient.shape as [number, number, number, number];
    const [, height, width] = inputGradient!.shape as [number, number, number, number];
    const source = outputGradient.values;
    const target = inputGradient!.values;
    const share = 1 / (size * size);
    if (rows * size !== height || columns * size !== width) target.fill(0);
    for (let map = 0; map < maps; map++) {
      for (let y = 0; y < rows * size; y++) {
        const fromRow = (map * rows + Math.floor(y / size)) * columns;
        let to = (map * height + y) * width * channels;
        for (let x = 0; x < columns; x++) {
          const from = (fromRow + x) * channels;
          for (let dx = 0; dx < size; dx++) {
            for (let c = 0; c < channels; c++) target[to++] = source[from + c]! * share;
          }
        }
      }
    }
  },
});
