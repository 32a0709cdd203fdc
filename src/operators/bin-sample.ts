import { InputError } from '../errors.ts';
import type { EventChunk, Frame, Recording, Sample } from '../events.ts';
import type { BinCounters } from './bin-frames.ts';
import { type Binning, createBinning } from './binning.ts';
import type { FrameGrid, Polarity } from './frame-grid.ts';
import { frameShape, type Representation } from './representations/representation.ts';
import { SampleBuilder } from './to-sample.ts';

export interface BinSampleOptions {
  /** Steps of the sample: shorter ones are padded with empty frames, longer ones cut. */
  readonly steps?: number;
  /** Default `two`. */
  readonly polarity?: Polarity;
  /** What the events of a bin become; default their counts. */
  readonly representation?: Representation;
  /** Counters to go on with. */
  readonly counters?: BinCounters;
}

/** What a sample takes from its recording. */
export interface SampleToken {
  readonly id: string;
  /** Class index. */
  readonly label: number;
}

/** The sample of one recording's chunks: they are counted straight into its one array, where its length is known. */
export function binSample(
  chunks: Iterable<EventChunk>,
  binning: Binning,
  grid: FrameGrid,
  token: SampleToken,
  options: BinSampleOptions = {},
): Sample {
  const build = sampleOf(binning, grid, token, options);
  for (const chunk of chunks) build.push(chunk);
  return build.end();
}

/** The sample of a recording, read and binned chunk by chunk. */
export async function binRecording(
  recording: Recording & SampleToken,
  binning: Binning,
  grid: FrameGrid,
  options: BinSampleOptions = {},
): Promise<Sample> {
  const build = sampleOf(binning, grid, recording, options);
  for await (const chunk of recording.chunks()) build.push(chunk);
  return build.end();
}

/** A binning stage and the sample that it fills, as one. */
function sampleOf(
  binning: Binning,
  grid: FrameGrid,
  { id, label }: SampleToken,
  { steps, polarity = 'two', representation = { kind: 'counted' }, counters }: BinSampleOptions,
): { push(chunk: EventChunk): void; end(): Sample } {
  const known = steps ?? ('bins' in binning ? binning.bins : undefined);
  const builder = new SampleBuilder({ id, label, ...(known === undefined ? {} : { steps: known }) });
  const [height, width, channels] = frameShape(representation, grid, polarity);
  const stage = createBinning(binning, {
    grid,
    polarity,
    representation,
    allocate: (ordinal) => builder.allocate(ordinal, height, width, channels),
    ...(counters === undefined ? {} : { counters }),
  });
  const add = (frame: Frame): void => builder.push(frame);
  return {
    push: (chunk) => ofRecording(id, () => stage.push(chunk, add)),
    end: () => {
      let sample: Sample | undefined;
      ofRecording(id, () => stage.end(add));
      builder.end((built) => {
        sample = built;
      });
      return sample!;
    },
  };
}

/** Names the recording where its events cannot be binned. */
function ofRecording(id: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw error instanceof InputError ? new InputError(error.message, id, { cause: error }) : error;
  }
}
