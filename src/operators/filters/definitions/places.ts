import { choiceOption, integerOption } from '../../../options.ts';
import { Crop, type CropOptions, centreOf } from '../crop.ts';
import { defineFilter, type FilterDefinition } from '../definition.ts';
import { Downsample, type DownsampleOptions, downsampledSize } from '../downsample.ts';
import { Flip, type FlipOptions } from '../flip.ts';
import { Integrate, type IntegrateOptions } from '../integrate.ts';
import { quarterTurned, Rotate, type RotateOptions } from '../rotate.ts';
import { Transpose } from '../transpose.ts';
import { countOption } from './choices.ts';

const width = integerOption({ help: 'width that comes out', min: 1, max: 65536, unit: 'pixels' });
const height = integerOption({ help: 'height that comes out', min: 1, max: 65536, unit: 'pixels' });

/** Filters that choose and change places. */
export const placeFilters: readonly FilterDefinition[] = [
  defineFilter<CropOptions>({
    name: 'crop',
    summary: 'keep a rectangle; places count from its left upper corner',
    example: 'crop:x=10,y=10,width=64,height=64',
    options: {
      x: integerOption({ help: 'left edge', min: 0, max: 65535, unit: 'pixels' }),
      y: integerOption({ help: 'upper edge', min: 0, max: 65535, unit: 'pixels' }),
      width,
      height,
    },
    required: ['x', 'y', 'width', 'height'],
    create: (options) => new Crop(options),
    sensorAfter: (_, options) => ({ width: options.width, height: options.height }),
  }),
  defineFilter<Omit<CropOptions, 'x' | 'y'>>({
    name: 'centre-crop',
    summary: 'keep a rectangle in the middle of the sensor',
    example: 'centre-crop:width=128,height=128',
    options: { width, height },
    required: ['width', 'height'],
    create: (options) => new Crop({ sensor: options.sensor, ...centreOf(options.sensor, options) }),
    sensorAfter: (_, options) => ({ width: options.width, height: options.height }),
  }),
  defineFilter<DownsampleOptions>({
    name: 'downsample',
    summary: 'scale places down and keep every event',
    example: 'downsample:width=64,height=64',
    options: {
      width,
      height,
      factor: integerOption({ help: 'instead of a size: pixels that become one, along each axis', min: 1 }),
    },
    create: (options) => new Downsample(options),
    sensorAfter: downsampledSize,
  }),
  defineFilter<IntegrateOptions>({
    name: 'integrate',
    summary:
      'scale places down by counting neurons: on minus off events that reach a threshold give one event',
    example: 'integrate:width=64,height=64,micros=10000,threshold=2',
    options: {
      width,
      height,
      micros: integerOption({ help: 'length of a step', min: 1, unit: 'us' }),
      threshold: integerOption({ help: 'events that give one', min: 1, default: 1 }),
    },
    required: ['width', 'height', 'micros'],
    create: (options) => new Integrate(options),
    sensorAfter: downsampledSize,
  }),
  defineFilter<FlipOptions>({
    name: 'flip',
    summary: 'mirror the sensor',
    example: 'flip:axis=x',
    options: {
      axis: choiceOption(['x', 'y', 'both'], {
        help: 'x swaps left and right, y above and below',
        default: 'x',
      }),
    },
    create: (options) => new Flip(options),
  }),
  defineFilter<object>({
    name: 'transpose',
    summary: 'swap x and y',
    example: 'transpose',
    options: {},
    create: () => new Transpose(),
    sensorAfter: quarterTurned,
    anySensor: true,
  }),
  defineFilter<RotateOptions>({
    name: 'rotate',
    summary: 'turn the picture clockwise by quarters',
    example: 'rotate:degrees=90',
    options: { degrees: { ...countOption([90, 180, 270], 'clockwise', 90), unit: 'degrees' } },
    create: (options) => new Rotate(options),
    sensorAfter: (sensor, { degrees }) => (degrees === 180 ? sensor : quarterTurned(sensor)),
  }),
];
