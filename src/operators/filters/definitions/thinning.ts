import { integerOption, numberOption } from '../../../options.ts';
import { Decimate, type DecimateOptions } from '../decimate.ts';
import { defineFilter, type FilterDefinition } from '../definition.ts';
import {
  Drop,
  DropArea,
  type DropAreaOptions,
  type DropOptions,
  DropTime,
  type DropTimeOptions,
} from '../drop.ts';
import { LimitRate, type LimitRateOptions } from '../limit-rate.ts';
import { seedOption } from './choices.ts';

const seed = seedOption();

/** Filters that make events fewer. */
export const thinningFilters: readonly FilterDefinition[] = [
  defineFilter<LimitRateOptions>({
    name: 'limit-rate',
    summary: 'hold the event rate down: no second has more events',
    example: 'limit-rate:events-per-second=1000000',
    options: {
      eventsPerSecond: integerOption({ help: 'events that any second may have', min: 1 }),
      burstMicros: numberOption({
        help: 'burst that passes whole, as the time in which it has its share of a second',
        min: 0,
        max: 1e6,
        unit: 'us',
        default: 10_000,
      }),
    },
    required: ['eventsPerSecond'],
    create: (options) => new LimitRate(options),
    anySensor: true,
  }),
  defineFilter<DecimateOptions>({
    name: 'decimate',
    summary: 'keep one event of so many of every pixel',
    example: 'decimate:count=4',
    options: { count: integerOption({ help: 'events of which one stays', min: 1, max: 2 ** 32 - 1 }) },
    required: ['count'],
    create: (options) => new Decimate(options),
  }),
  defineFilter<DropOptions>({
    name: 'drop',
    summary: 'leave out events by chance',
    example: 'drop:probability=0.1,seed=1',
    options: { probability: numberOption({ help: 'chance of each event to go', min: 0, max: 1 }), seed },
    required: ['probability'],
    create: (options) => new Drop(options),
    anySensor: true,
  }),
  defineFilter<DropTimeOptions>({
    name: 'drop-time',
    summary: 'leave out a stretch of every period',
    example: 'drop-time:ratio=0.2,period-micros=1000000',
    options: {
      ratio: numberOption({ help: 'share of a period that goes', min: 0, max: 1 }),
      periodMicros: integerOption({ help: 'length of a period', min: 1, unit: 'us' }),
      seed,
    },
    required: ['ratio', 'periodMicros'],
    create: (options) => new DropTime(options),
    anySensor: true,
  }),
  defineFilter<DropAreaOptions>({
    name: 'drop-area',
    summary: 'leave out a rectangle of the sensor',
    example: 'drop-area:ratio=0.2',
    options: {
      ratio: numberOption({ help: 'share of the width, and of the height, that goes', min: 0, max: 1 }),
      seed,
    },
    required: ['ratio'],
    create: (options) => new DropArea(options),
  }),
];
