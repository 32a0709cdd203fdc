import { choiceOption, integerOption, numberOption } from '../../../options.ts';
import { ArbiterLines, type ArbiterLinesOptions } from '../arbiter-lines.ts';
import { defineFilter, type FilterDefinition } from '../definition.ts';
import { Denoise, type DenoiseOptions } from '../denoise.ts';
import { DropPixels, type DropPixelsOptions } from '../drop-pixels.ts';
import { HotPixels, type HotPixelsOptions } from '../hot-pixels.ts';
import { Refractory, type RefractoryOptions } from '../refractory.ts';
import { countOption, pixelsOption, seedOption } from './choices.ts';

const seed = seedOption();

/** Filters that remove what is not of the scene. */
export const cleaningFilters: readonly FilterDefinition[] = [
  defineFilter<DenoiseOptions>({
    name: 'denoise',
    summary: 'remove background activity: events without another near them shortly before',
    example: 'denoise:micros=5000',
    options: {
      micros: numberOption({ help: 'how long before', min: 0, unit: 'us', default: 10_000 }),
      neighbours: countOption([4, 8], 'pixels around that count as near', 8),
      support: integerOption({ help: 'pixels near that must have had an event', min: 1, max: 8, default: 1 }),
    },
    create: (options) => new Denoise(options),
  }),
  defineFilter<RefractoryOptions>({
    name: 'refractory',
    summary: 'silence a pixel for a while after its event',
    example: 'refractory:micros=1000',
    options: {
      micros: numberOption({ help: 'how long', min: 0, unit: 'us' }),
      since: choiceOption(['passed', 'any'], {
        help: 'after its last event that passed, or its last of all',
        default: 'passed',
      }),
    },
    required: ['micros'],
    create: (options) => new Refractory(options),
  }),
  defineFilter<HotPixelsOptions>({
    name: 'hot-pixels',
    summary: 'find and silence pixels that fire too often',
    example: 'hot-pixels:rate=1000',
    options: {
      rate: numberOption({ help: 'events a second that a pixel may have', min: 0 }),
      periodMicros: integerOption({
        help: 'over how long it is judged',
        min: 1,
        unit: 'us',
        default: 1_000_000,
      }),
    },
    required: ['rate'],
    create: (options) => new HotPixels(options),
  }),
  defineFilter<ArbiterLinesOptions>({
    name: 'arbiter-lines',
    summary: 'remove whole lines of events that a saturated arbiter makes',
    example: 'arbiter-lines:ratio=0.5',
    options: {
      ratio: numberOption({ help: 'share of a line that may come at a stretch', min: 0, max: 1 }),
      lines: choiceOption(['row', 'column'], { help: 'what the arbiter reads', default: 'row' }),
    },
    required: ['ratio'],
    create: (options) => new ArbiterLines(options),
  }),
  defineFilter<DropPixelsOptions>({
    name: 'drop-pixels',
    summary: 'leave out some pixels: those named, or a share by chance',
    example: 'drop-pixels:pixels=10x20+11x20',
    options: {
      pixels: pixelsOption(),
      probability: numberOption({ help: 'share of the pixels that go', min: 0, max: 1, default: 0 }),
      seed,
    },
    create: (options) => new DropPixels(options),
  }),
];
