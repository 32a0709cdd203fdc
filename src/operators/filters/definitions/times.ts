import { choiceOption, integerOption, numberOption } from '../../../options.ts';
import { defineFilter, type FilterDefinition } from '../definition.ts';
import { DownsampleTime, type DownsampleTimeOptions } from '../downsample-time.ts';
import {
  FlipPolarity,
  MergePolarities,
  type MergePolaritiesOptions,
  SelectPolarity,
  type SelectPolarityOptions,
} from '../polarity.ts';
import { Regularise, type RegulariseOptions } from '../regularise.ts';
import { TimeCrop, type TimeCropOptions } from '../time-crop.ts';
import { TimeScale, type TimeScaleOptions } from '../time-scale.ts';
import { TimeShift, type TimeShiftOptions } from '../time-shift.ts';

/** Filters that choose and change polarity. */
export const polarityFilters: readonly FilterDefinition[] = [
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

/** Filters that choose and change times. */
export const timeFilters: readonly FilterDefinition[] = [
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
