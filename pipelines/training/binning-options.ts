import { OptionError } from '../../src/errors.ts';
import type { SensorSize } from '../../src/events.ts';
import type { Feed } from '../../src/models/feed.ts';
import { binCounters } from '../../src/operators/bin-frames.ts';
import { binRecording } from '../../src/operators/bin-sample.ts';
import { createBinning } from '../../src/operators/binning.ts';
import { FrameGrid } from '../../src/operators/frame-grid.ts';
import {
  parseRepresentation,
  representationDefinitions,
} from '../../src/operators/representations/parse-representation.ts';
import { frameShape } from '../../src/operators/representations/representation.ts';
import type { LabelledRecording } from '../../src/streams/datasets/dataset.ts';
import {
  integerOption,
  numberOption,
  type Option,
  type OptionValues,
  textOption,
  textsOption,
} from '../definition.ts';
import { feedFilters } from '../streaming/feed-filters.ts';
import { filteredChunks } from '../streaming/filtered-chunks.ts';
import { Augmentation, type AugmentPosition } from './augmentation.ts';
import type { TrainingOptions } from './options.ts';
import { packageVersion } from './package-version.ts';
import type { BinnedSample } from './sample-loader.ts';

/** Raised when the same events give other frames: what caches hold of them is then no longer found. */
const FRAMES_VERSION = 1;

/** The options that say how a recording becomes a sample. */
export type BinningOptions = {
  readonly bins: Option<number>;
  readonly binMs: Option<number | undefined>;
  readonly steps: Option<number | undefined>;
  readonly representation: Option<string | undefined>;
  readonly filter: Option<readonly string[] | undefined>;
  readonly augment: Option<string | undefined>;
};

/** The binning options with one pipeline's number of bins. */
export function binningOptions(bins: number): BinningOptions {
  return {
    bins: integerOption({ help: 'bins of equal time that a recording is cut into', default: bins, min: 1 }),
    binMs: numberOption({
      help: 'length of a bin, instead of --bins; recordings then differ in length',
      placeholder: 'X',
      unit: 'ms',
      min: 0.001,
    }),
    steps: integerOption({ help: 'bins of a sample: padded with empty ones, or cut', min: 1 }),
    representation: textOption({
      placeholder: 'NAME',
      help: `what the events of a bin become: ${representationDefinitions.map(({ example }) => example).join('; ')}; by default counted`,
    }),
    filter: textsOption({
      placeholder: 'FILTER',
      help: 'filter that events go through first, in order: NAME or NAME:OPTION=VALUE,…; see pipeline filters',
    }),
    augment: textOption({
      placeholder: 'FILTERS',
      help: 'change training recordings anew in each epoch, which then decodes them: flip@0.5;jitter-space:deviation-x=1',
    }),
  };
}

type Chosen = 'representation' | 'filter' | 'augment';
type BinningValues = OptionValues<Omit<BinningOptions, Chosen> & Pick<TrainingOptions, 'size'>> &
  Partial<OptionValues<Pick<BinningOptions, Chosen>>>;

/** How the recordings of a sensor become samples, and streams frames. */
export interface SampleShape {
  /** Reads, decodes and bins one recording; with a position, changed as the options say for that epoch. */
  readonly read: (recording: LabelledRecording, position?: AugmentPosition) => Promise<BinnedSample>;
  /** Whether a position makes a difference. */
  readonly augments: boolean;
  /** All that makes frames of events, as plain data. */
  readonly transform: object;
  /** The input of a network. */
  readonly input: { height: number; width: number; channels: number };
  /** What a stream needs to know. */
  readonly feed: Feed;
}

/** What the options make of recordings of this sensor; the grid that events fall on is square, of two polarities. */
export function sampleShape(
  options: BinningValues,
  sensor: SensorSize,
  classNames: readonly string[],
): SampleShape {
  const { size, bins, binMs } = options;
  const filters = [...(options.filter ?? [])];
  const before = feedFilters({ filters }, sensor);
  const { width, height } = before.sensor;
  if (size > Math.min(width, height)) {
    throw new OptionError(`--size: expected at most the sensor's ${width} x ${height}, found ${size}`);
  }
  const binning: Feed['binning'] =
    binMs === undefined ? { kind: 'count', bins } : { kind: 'time', windowMicros: Math.round(binMs * 1000) };
  const frame = { width: size, height: size, channels: 2 };
  const representation = parseRepresentation(options.representation ?? 'counted');
  const grid = new FrameGrid({ sensor: before.sensor, frame });
  createBinning(binning, { grid, representation }); // What does not fit is told before the training.
  const [inputHeight, inputWidth, channels] = frameShape(representation, grid, 'two');
  const augmentation =
    options.augment === undefined ? undefined : new Augmentation(options.augment, before.sensor);
  // What is usual is left out, so that keys of caches and checkpoints stay what they were.
  const chosen = {
    ...(filters.length === 0 ? {} : { filters }),
    ...(representation.kind === 'counted' ? {} : { representation }),
    ...(options.steps === undefined ? {} : { steps: options.steps }),
  };
  const binned = { representation, ...(options.steps === undefined ? {} : { steps: options.steps }) };
  return {
    read: async (recording, position) => {
      const counters = binCounters();
      const changed: LabelledRecording = {
        ...recording,
        chunks: () => {
          const chunks = before.apply(recording.chunks());
          if (augmentation === undefined || position === undefined) return chunks;
          return filteredChunks(chunks, augmentation.chainFor(recording.id, position));
        },
      };
      return { sample: await binRecording(changed, binning, grid, { ...binned, counters }), counters };
    },
    augments: augmentation !== undefined,
    transform: { version: [packageVersion(), FRAMES_VERSION], sensor, frame, binning, ...chosen },
    input: { height: inputHeight, width: inputWidth, channels },
    feed: { sensor, frame, binning, ...chosen, classNames: [...classNames] },
  };
}
