import type { EventChunk, Frame, SensorSize } from '../../src/events.ts';
import { BinByTime } from '../../src/operators/bin-by-time.ts';
import { FrameGrid } from '../../src/operators/frame-grid.ts';
import { pacedChunks } from '../streaming/paced-chunks.ts';

/** Seconds without events that are shown; the rest of a silence is left out. */
const LONGEST_SILENCE_SECONDS = 10;

/** How a recording becomes pictures. */
export interface FramesOptions {
  readonly sensor: SensorSize;
  /** Size of the pictures, at most the sensor's. */
  readonly size: SensorSize;
  /** Time of the recording that one picture shows, in microseconds. */
  readonly frameMicros: number;
  readonly signal?: AbortSignal;
}

/** chunks ▸ bins of equal time, empty ones in silence; the next chunk is pulled when the frames of the last are taken. */
export async function* framesOf(
  chunks: AsyncIterable<EventChunk>,
  { sensor, size, frameMicros, signal }: FramesOptions,
): AsyncGenerator<Frame, undefined> {
  const bins = new BinByTime({
    windowMicros: frameMicros,
    grid: new FrameGrid({ sensor, frame: size }),
    silence: 'skip',
    maxEmptyBins: Math.ceil((LONGEST_SILENCE_SECONDS * 1e6) / frameMicros),
  });
  const frames: Frame[] = [];
  const collect = (frame: Frame): number => frames.push(frame);
  const pacing = { spanMicros: 4 * frameMicros, ...(signal === undefined ? {} : { signal }) };
  for await (const chunk of pacedChunks(chunks, pacing)) {
    bins.push(chunk, collect);
    yield* frames.splice(0);
    if (signal?.aborted) return;
  }
  bins.end(collect);
  yield* frames;
}

/** The largest size of the sensor's shape within a box, and at most the sensor's. */
export function sizeWithin(sensor: SensorSize, box: SensorSize): SensorSize {
  const share = Math.min(1, box.width / sensor.width, box.height / sensor.height);
  return {
    width: Math.max(1, Math.floor(sensor.width * share)),
    height: Math.max(1, Math.floor(sensor.height * share)),
  };
}

/** Weight of an event in a picture of this size: the square root of its share of the sensor, as edges grow in length. */
export function gainFor(sensor: SensorSize, size: SensorSize): number {
  return Math.sqrt((size.width * size.height) / (sensor.width * sensor.height));
}
