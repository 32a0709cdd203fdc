import { OptionError } from '../../src/errors.ts';
import type { SensorSize } from '../../src/events.ts';
import type { Feed } from '../../src/models/feed.ts';
import { binCounters } from '../../src/operators/bin-frames.ts';
import { binRecording } from '../../src/operators/bin-sample.ts';
import { FrameGrid } from '../../src/operators/frame-grid.ts';
import type { LabelledRecording } from '../../src/streams/datasets/dataset.ts';
import { integerOption, numberOption, type Option, type OptionValues, textOption } from '../definition.ts';
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
    augment: textOption({
      placeholder: 'FILTERS',
      help: 'change training recordings anew in each epoch, which then decodes them: flip@0.5;jitter-space:deviation-x=1',
    }),
  };
}

type BinningValues = OptionValues<Omit<BinningOptions, 'augment'> & Pick<TrainingOptions, 'size'>> & {
  readonly augment?: string | undefined;
};

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

/** What the options make of recordings of this sensor; frames are square, of two polarities. */
export function sampleShape(
  options: BinningValues,
  sensor: SensorSize,
  classNames: readonly string[],
): SampleShape {
  const { size, bins, binMs } = options;
  if (size > Math.min(sensor.width, sensor.height)) {
    throw new OptionError(
      `--size: expected at most the sensor's ${sensor.width} x ${sensor.height}, found ${size}`,
    );
  }
  const binning: Feed['binning'] =
    binMs === undefined ? { kind: 'count', bins } : { kind: 'time', windowMicros: Math.round(binMs * 1000) };
  const frame = { width: size, height: size, channels: 2 };
  const steps = options.steps === undefined ? {} : { steps: options.steps };
  const grid = new FrameGrid({ sensor, frame });
  const augmentation = options.augment === undefined ? undefined : new Augmentation(options.augment, sensor);
  return {
    read: async (recording, position) => {
      const counters = binCounters();
      const changed =
        augmentation === undefined || position === undefined
          ? recording
          : augmented(recording, augmentation, position);
      return { sample: await binRecording(changed, binning, grid, { ...steps, counters }), counters };
    },
    augments: augmentation !== undefined,
    transform: { version: [packageVersion(), FRAMES_VERSION], sensor, frame, binning, ...steps },
    input: frame,
    feed: { sensor, frame, binning, ...steps, classNames: [...classNames] },
  };
}

/** The recording with its events changed for one epoch. */
function augmented(
  recording: LabelledRecording,
  augmentation: Augmentation,
  position: AugmentPosition,
): LabelledRecording {
  return {
    ...recording,
    chunks: () => filteredChunks(recording.chunks(), augmentation.chainFor(recording.id, position)),
  };
}
