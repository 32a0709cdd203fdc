/**
 * A feed is all that a stream needs to know to feed a trained network as it was fed in training: it travels in every
 * checkpoint, so that a file or a live camera can be read without the training set.
 */

import * as v from 'valibot';
import type { SensorSize } from '../events.ts';

/** How events are cut into bins. */
export type FeedBinning =
  /** So many bins between a recording's first and last event; `overlap` is a share of a bin. */
  | { kind: 'count'; bins: number; overlap?: number }
  | {
      kind: 'time';
      windowMicros: number;
      strideMicros?: number;
      tail?: 'keep' | 'drop';
      maxEmptyBins?: number;
      silence?: 'error' | 'skip';
    }
  /** So many events in a bin. */
  | { kind: 'events'; count: number; stride?: number; tail?: 'keep' | 'drop' };

/** What the events of a bin become. */
export type FeedRepresentation =
  | { kind: 'counted' }
  | { kind: 'binary' }
  | { kind: 'time-surface'; tauMicros: number }
  | {
      kind: 'averaged-time-surface';
      windowMicros: number;
      tauMicros: number;
      cellSize?: number;
      surfaceSize?: number;
      decay?: 'exponential' | 'linear';
    }
  | { kind: 'voxel-grid'; bins: number }
  | { kind: 'binary-representation'; bits: number };

/** How an image becomes frames. */
export type FeedEncoding =
  | { kind: 'direct'; steps: number }
  /** A spike with probability gain x value + offset. */
  | { kind: 'poisson'; steps: number; gain: number; offset: number };

/** How a stream is turned into the frames that a network was trained on. */
export interface Feed {
  /** Sensor of the training recordings in pixels; for images, their size. */
  sensor: SensorSize;
  /** How AEDAT 2.0 recordings of a DVS128 were turned; absent where there were none. */
  orientation?: 'jaer' | 'display';
  /** Part of the sensor that was used, in pixels; absent where all of it was. */
  crop?: { x: number; y: number; width: number; height: number };
  /** Filters that events go through first, in order, as they are written on the command line; absent for none. */
  filters?: string[];
  /** The grid that events fall on; of two channels, 0 is for off events and 1 for on events. */
  frame: { width: number; height: number; channels: number };
  /** Absent for images. */
  binning?: FeedBinning;
  /** Absent where events are counted. */
  representation?: FeedRepresentation;
  /** Median length of a training bin in microseconds, by which a stream without an end is binned. */
  binMicros?: number;
  /** Absent for events. */
  encoding?: FeedEncoding;
  /** By channel, (value - mean) / deviation; absent where frames are taken as they are. */
  normalisation?: { mean: number[]; deviation: number[] };
  /** Steps to which samples were padded or cut; absent where each kept its own length. */
  steps?: number;
  classNames: string[];
}

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
/** Pixels of a side: event addresses have 16 bits. */
const side = v.pipe(count, v.maxValue(65536));
const position = v.pipe(v.number(), v.integer(), v.minValue(0));
const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
const finite = v.pipe(v.number(), v.finite());
const tail = v.picklist(['keep', 'drop']);

/** The schema of a feed as it stands in a checkpoint. */
export const feedSchema: v.GenericSchema<unknown, Feed> = v.strictObject({
  sensor: v.strictObject({ width: side, height: side }),
  orientation: v.exactOptional(v.picklist(['jaer', 'display'])),
  crop: v.exactOptional(v.strictObject({ x: position, y: position, width: side, height: side })),
  filters: v.exactOptional(v.array(v.pipe(v.string(), v.nonEmpty()))),
  frame: v.strictObject({ width: side, height: side, channels: count }),
  binning: v.exactOptional(
    v.variant('kind', [
      v.strictObject({ kind: v.literal('count'), bins: count, overlap: v.exactOptional(finite) }),
      v.strictObject({
        kind: v.literal('time'),
        windowMicros: positive,
        strideMicros: v.exactOptional(positive),
        tail: v.exactOptional(tail),
        maxEmptyBins: v.exactOptional(position),
        silence: v.exactOptional(v.picklist(['error', 'skip'])),
      }),
      v.strictObject({
        kind: v.literal('events'),
        count,
        stride: v.exactOptional(count),
        tail: v.exactOptional(tail),
      }),
    ]),
  ),
  representation: v.exactOptional(
    v.variant('kind', [
      v.strictObject({ kind: v.literal('counted') }),
      v.strictObject({ kind: v.literal('binary') }),
      v.strictObject({ kind: v.literal('time-surface'), tauMicros: positive }),
      v.strictObject({
        kind: v.literal('averaged-time-surface'),
        windowMicros: v.pipe(v.number(), v.finite(), v.minValue(0)),
        tauMicros: positive,
        cellSize: v.exactOptional(count),
        surfaceSize: v.exactOptional(count),
        decay: v.exactOptional(v.picklist(['exponential', 'linear'])),
      }),
      v.strictObject({ kind: v.literal('voxel-grid'), bins: count }),
      v.strictObject({ kind: v.literal('binary-representation'), bits: count }),
    ]),
  ),
  binMicros: v.exactOptional(positive),
  encoding: v.exactOptional(
    v.variant('kind', [
      v.strictObject({ kind: v.literal('direct'), steps: count }),
      v.strictObject({ kind: v.literal('poisson'), steps: count, gain: finite, offset: finite }),
    ]),
  ),
  normalisation: v.exactOptional(v.strictObject({ mean: v.array(finite), deviation: v.array(positive) })),
  steps: v.exactOptional(count),
  classNames: v.pipe(v.array(v.string()), v.minLength(1)),
});
