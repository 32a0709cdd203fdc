import { choiceOption, numberOption } from '../../../options.ts';
import { defineFilter, type FilterDefinition } from '../definition.ts';
import { JitterSpace, type JitterSpaceOptions } from '../jitter-space.ts';
import { JitterTime, type JitterTimeOptions } from '../jitter-time.ts';
import { Noise, type NoiseOptions } from '../noise.ts';
import { seedOption } from './choices.ts';

const seed = seedOption();

/** Filters that disturb events, as a bad sensor does. */
export const disturbingFilters: readonly FilterDefinition[] = [
  defineFilter<NoiseOptions>({
    name: 'noise',
    summary: 'add background activity',
    example: 'noise:rate=1',
    options: {
      rate: numberOption({ help: 'noise events of a pixel in a second', min: 0, max: 1e6 }),
      seed,
    },
    required: ['rate'],
    create: (options) => new Noise(options),
  }),
  defineFilter<JitterSpaceOptions>({
    name: 'jitter-space',
    summary: 'move events by a normal deviate in place',
    example: 'jitter-space:deviation-x=1',
    options: {
      deviationX: numberOption({ help: 'along x', min: 0, max: 65536, unit: 'pixels', default: 1 }),
      deviationY: numberOption({ help: 'along y; default as x', min: 0, max: 65536, unit: 'pixels' }),
      correlation: numberOption({ help: 'of the two', min: -1, max: 1, default: 0 }),
      outside: choiceOption(['drop', 'clamp'], {
        help: 'what leaves the sensor goes, or to its edge',
        default: 'drop',
      }),
      seed,
    },
    create: (options) => new JitterSpace(options),
  }),
  defineFilter<JitterTimeOptions>({
    name: 'jitter-time',
    summary: 'move events by a normal deviate in time, and sort them again',
    example: 'jitter-time:deviation-micros=100',
    options: {
      deviationMicros: numberOption({ help: 'standard deviation', min: 0, max: 1e9, unit: 'us' }),
      seed,
    },
    required: ['deviationMicros'],
    create: (options) => new JitterTime(options),
    anySensor: true,
  }),
];
