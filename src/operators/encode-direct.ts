import { map, type OperatorFunction } from 'rxjs';
import { OptionError } from '../errors.ts';
import type { LabelledImage, Sample } from '../events.ts';
import { wholeNumber } from './whole-number.ts';

export interface EncodeDirectOptions {
  /** Steps of the sample, each with the same frame. */
  readonly steps: number;
  /** Subtracted from values in [0, 1], one number or one for each channel; default 0. */
  readonly mean?: number | readonly number[];
  /** Divides what is left, one number or one for each channel; default 1. */
  readonly deviation?: number | readonly number[];
}

/** The image as (value / 255 - mean) / deviation, the same at every step: the network's first layer makes the spikes. */
export function encodeDirect(image: LabelledImage, options: EncodeDirectOptions): Sample {
  const { id, label, width, height, channels, pixels } = image;
  const steps = wholeNumber('steps', options.steps, 1);
  const mean = perChannel('mean', options.mean ?? 0, channels);
  const deviation = perChannel('deviation', options.deviation ?? 1, channels);
  const size = height * width * channels;
  const frames = new Float32Array(steps * size);
  for (let i = 0; i < size; i++) {
    const channel = i % channels;
    frames[i] = (pixels[i]! / 255 - mean[channel]!) / deviation[channel]!;
  }
  for (let step = 1; step < steps; step++) frames.copyWithin(step * size, 0, size);
  return { id, label, frames, shape: [steps, height, width, channels], length: steps };
}

function perChannel(option: string, value: number | readonly number[], channels: number): readonly number[] {
  if (typeof value === 'number') return new Array<number>(channels).fill(value);
  if (value.length === channels) return value;
  throw new OptionError(
    `${option}: expected one number or ${channels}, one for each channel, got ${value.length}`,
  );
}

/** Encodes images directly: the same values at every step. */
export function encodeImagesDirect(options: EncodeDirectOptions): OperatorFunction<LabelledImage, Sample> {
  return map((image) => encodeDirect(image, options));
}
