import * as v from 'valibot';
import { choiceOption, integerOption, numberOption, type Option } from '../../options.ts';
import { ArbiterLines, type ArbiterLinesOptions } from './arbiter-lines.ts';
import { Crop, type CropOptions, centreOf } from './crop.ts';
import { Decimate, type DecimateOptions } from './decimate.ts';
import { defineFilter, type FilterDefinition } from './definition.ts';
import { Denoise, type DenoiseOptions } from './denoise.ts';
import { Downsample, type DownsampleOptions, downsampledSize } from './downsample.ts';
import { DownsampleTime, type DownsampleTimeOptions } from './downsample-time.ts';
import {
  Drop,
  DropArea,
  type DropAreaOptions,
  type DropOptions,
  DropTime,
  type DropTimeOptions,
} from './drop.ts';
import { DropPixels, type DropPixelsOptions, type Pixel } from './drop-pixels.ts';
import { Flip, type FlipOptions } from './flip.ts';
import { HotPixels, type HotPixelsOptions } from './hot-pixels.ts';
import { Integrate, type IntegrateOptions } from './integrate.ts';
import { JitterSpace, type JitterSpaceOptions } from './jitter-space.ts';
import { JitterTime, type JitterTimeOptions } from './jitter-time.ts';
import { LimitRate, type LimitRateOptions } from './limit-rate.ts';
import { Noise, type NoiseOptions } from './noise.ts';
import {
  FlipPolarity,
  MergePolarities,
  type MergePolaritiesOptions,
  SelectPolarity,
  type SelectPolarityOptions,
} from './polarity.ts';
import { Refractory, type RefractoryOptions } from './refractory.ts';
import { Regularise, type RegulariseOptions } from './regularise.ts';
import { quarterTurned, Rotate, type RotateOptions } from './rotate.ts';
import { TimeCrop, type TimeCropOptions } from './time-crop.ts';
import { TimeScale, type TimeScaleOptions } from './time-scale.ts';
import { TimeShift, type TimeShiftOptions } from './time-shift.ts';
import { Transpose } from './transpose.ts';

const seed = integerOption({ help: 'the numbers drawn are a function of it', min: 0, default: 0 });
const width = integerOption({ help: 'width that comes out', min: 1, max: 65536, unit: 'pixels' });
const height = integerOption({ help: 'height that comes out', min: 1, max: 65536, unit: 'pixels' });

const places: FilterDefinition[] = [
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
    options: { degrees: degreesOption() },
    create: (options) => new Rotate(options),
    sensorAfter: (sensor, { degrees }) => (degrees === 180 ? sensor : quarterTurned(sensor)),
  }),
];

const polarities: FilterDefinition[] = [
  defineFilter<SelectPolarityOptions>({
    name: 'select-polarity',
    summary: 'keep the events of one polarity',
    example: 'select-polarity:polarity=on',
    options: { polarity: choiceOption(['on', 'off'], { help: 'the polarity that stays' }) },
    required: ['polarity'],
    create: (options) => new SelectPolarity(options),
    anySensor: true,
  }),
  defineFilter<MergePolaritiesOptions>({
    name: 'merge-polarities',
    summary: 'give all events one polarity',
    example: 'merge-polarities',
    options: { polarity: choiceOption(['on', 'off'], { help: 'what all become', default: 'on' }) },
    create: (options) => new MergePolarities(options),
    anySensor: true,
  }),
  defineFilter<object>({
    name: 'flip-polarity',
    summary: 'make on off, and off on',
    example: 'flip-polarity',
    options: {},
    create: () => new FlipPolarity(),
    anySensor: true,
  }),
];

const times: FilterDefinition[] = [
  defineFilter<TimeCropOptions>({
    name: 'time-crop',
    summary: 'keep the events from one time to before another',
    example: 'time-crop:from-micros=0,to-micros=2000000',
    options: {
      fromMicros: numberOption({ help: 'first time that stays', min: 0, unit: 'us', default: 0 }),
      toMicros: numberOption({ help: 'first time that goes', above: 0, unit: 'us' }),
      since: choiceOption(['first', 'clock'], {
        help: "count from the first event, or by the recording's own clock",
        default: 'first',
      }),
    },
    create: (options) => new TimeCrop(options),
    anySensor: true,
  }),
  defineFilter<TimeShiftOptions>({
    name: 'time-shift',
    summary: 'add to all times; events before time 0 go',
    example: 'time-shift:start-micros=0',
    options: {
      micros: integerOption({ help: 'what is added, may be negative', unit: 'us' }),
      startMicros: integerOption({ help: 'instead: time that the first event gets', min: 0, unit: 'us' }),
    },
    create: (options) => new TimeShift(options),
    anySensor: true,
  }),
  defineFilter<TimeScaleOptions>({
    name: 'time-scale',
    summary: 'stretch time',
    example: 'time-scale:factor=0.5',
    options: {
      factor: numberOption({ help: 'what durations are multiplied by', above: 0 }),
      about: choiceOption(['first', 'zero'], {
        help: "the time that stays: the first event's, or 0",
        default: 'first',
      }),
    },
    required: ['factor'],
    create: (options) => new TimeScale(options),
    anySensor: true,
  }),
  defineFilter<DownsampleTimeOptions>({
    name: 'downsample-time',
    summary: 'make time coarser and keep every event',
    example: 'downsample-time:micros=1000',
    options: { micros: integerOption({ help: 'what becomes one instant', min: 1, unit: 'us' }) },
    required: ['micros'],
    create: (options) => new DownsampleTime(options),
    anySensor: true,
  }),
  defineFilter<RegulariseOptions>({
    name: 'regularise',
    summary: 'give one chunk for each period, empty where nothing happened',
    example: 'regularise:micros=10000',
    options: {
      micros: numberOption({ help: 'length of a period', min: 1, max: 2 ** 31, unit: 'us' }),
      maxEmptyChunks: integerOption({ help: 'longest silence in chunks', min: 0, default: 100_000 }),
    },
    required: ['micros'],
    create: (options) => new Regularise(options),
    anySensor: true,
  }),
];

const cleaners: FilterDefinition[] = [
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

const rates: FilterDefinition[] = [
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

const disturbances: FilterDefinition[] = [
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

/** Every filter that has a name, in groups: places, polarity, time, cleaning, rate, disturbance. */
export const filterDefinitions: readonly FilterDefinition[] = [
  ...places,
  ...polarities,
  ...times,
  ...cleaners,
  ...rates,
  ...disturbances,
];

/** One of some whole numbers. */
function countOption<D extends number>(choices: readonly number[], help: string, value: D): Option<number> {
  const number = v.union([v.number(), v.pipe(v.string(), v.trim(), v.nonEmpty(), v.transform(Number))]);
  return {
    schema: v.pipe(
      number,
      v.check((given) => choices.includes(given)),
    ),
    expects: choices.join(' or '),
    placeholder: 'N',
    help,
    default: value,
  };
}

function degreesOption(): Option<number> {
  return { ...countOption([90, 180, 270], 'clockwise', 90), unit: 'degrees' };
}

/** Places such as `10x20+11x20`. */
function pixelsOption(): Option<readonly Pixel[]> {
  const text = v.pipe(
    v.string(),
    v.regex(/^\d{1,5}x\d{1,5}(\+\d{1,5}x\d{1,5})*$/),
    v.transform((given): readonly Pixel[] =>
      given.split('+').map((place) => {
        const [x, y] = place.split('x').map(Number);
        return { x: x!, y: y! };
      }),
    ),
  );
  const typed = v.array(v.object({ x: v.number(), y: v.number() }));
  return {
    schema: v.union([text, typed]) as v.GenericSchema<unknown, readonly Pixel[]>,
    expects: 'places such as 10x20+11x20',
    placeholder: 'XxY+XxY',
    help: 'the pixels that go',
  };
}
