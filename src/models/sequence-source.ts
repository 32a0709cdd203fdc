/**
 * Where a training step gets its frames from: block by block, so that what reads them in blocks of time needs no more
 * memory for a longer sequence.
 */
import * as tf from '@tensorflow/tfjs-core';
import * as v from 'valibot';
import { bernoulli, bernoulliLimit } from '../engines/kernels/index.ts';
import { OptionError } from '../errors.ts';
import type { BatchColumns } from './batch-tensors.ts';

/** The frames of a batch. */
export interface SequenceSource {
  /** [batch, steps, height, width, channels]. */
  readonly shape: readonly [number, number, number, number, number];
  /** Real steps of each sample. */
  readonly lengths: Int32Array;
  /** The frames of some steps: the caller's to dispose of. */
  frames(from: number, steps: number): tf.Tensor5D;
}

/** A sequence in memory as a source; it stays its owner's. */
export function tensorSource(sequence: tf.Tensor5D, lengths: Int32Array): SequenceSource {
  const { shape } = sequence;
  return {
    shape,
    lengths,
    frames: (from, steps) =>
      from === 0 && steps === shape[1]
        ? tf.clone(sequence)
        : tf.slice(sequence, [0, from, 0, 0, 0], [-1, steps, -1, -1, -1]),
  };
}

/** How the engine encodes images as they are used: at each step and pixel a spike with p = gain x value + offset. */
export interface ImageEncoding {
  readonly kind: 'poisson';
  readonly steps: number;
  readonly gain: number;
  readonly offset: number;
}

const finite = v.pipe(v.number(), v.finite());

/** The schema of an encoding in a configuration. */
export const imageEncodingSchema: v.GenericSchema<unknown, ImageEncoding> = v.strictObject({
  kind: v.literal('poisson'),
  steps: v.pipe(v.number(), v.integer(), v.minValue(1)),
  gain: finite,
  offset: finite,
});

/**
 * Images as spikes, drawn when they are asked for: the numbers of the operator `encodePoisson` for the same seed, epoch
 * and ids.
 * @param images a batch of one frame a sample, whose values are the bytes of the images
 */
export function poissonSource(
  { frames, shape: [batch, steps, height, width, channels], ids }: BatchColumns,
  encoding: ImageEncoding,
  { seed, epoch }: { readonly seed: number; readonly epoch: number },
): SequenceSource {
  if (steps !== 1) throw new OptionError(`encoding: expected images, one frame a sample, found ${steps}`);
  const byByte = Float32Array.from({ length: 256 }, (_, value) =>
    bernoulliLimit((encoding.gain * value) / 255 + encoding.offset),
  );
  const limits = Float32Array.from(frames, (value) => byByte[value]!);
  const streams = ids.map((id) => `encode/${epoch}/${id}`);
  return {
    shape: [batch, encoding.steps, height, width, channels],
    lengths: new Int32Array(batch).fill(encoding.steps),
    frames: (from, count) =>
      tf.tidy(() => {
        const spikes = bernoulli({ seed, streams, limits, from, steps: count });
        return tf.reshape(spikes, [batch, count, height, width, channels]);
      }),
  };
}
