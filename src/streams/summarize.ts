import type { EventChunk, Recording, SensorSize } from '../events.ts';
import type { DecodedChunks } from './decoding.ts';
import type { DecodeCounters } from './formats/format.ts';
import type { RecordingFile } from './recording-file.ts';

/** What a whole recording amounts to. */
export interface RecordingSummary {
  readonly id: string;
  /** Name of the file format, where the recording is a file. */
  readonly format: string | undefined;
  readonly sensor: SensorSize | undefined;
  readonly simulated: boolean;
  readonly events: number;
  readonly on: number;
  readonly off: number;
  /** Time of the first event; undefined where there is none. */
  readonly firstMicros: number | undefined;
  readonly lastMicros: number | undefined;
  readonly durationMicros: number;
  /** Mean over the duration; 0 where it is 0. */
  readonly eventsPerSecond: number;
  /** Least and greatest column that occur. */
  readonly xRange: readonly [number, number] | undefined;
  readonly yRange: readonly [number, number] | undefined;
  /** What decoding dropped or mended, where the recording is decoded. */
  readonly counters: Readonly<DecodeCounters> | undefined;
}

/** Reads a recording to its end and sums it up. */
export async function summarizeRecording(recording: Recording): Promise<RecordingSummary> {
  let events = 0;
  let on = 0;
  let firstMicros: number | undefined;
  let lastMicros: number | undefined;
  const x = new Extent();
  const y = new Extent();
  const chunks: AsyncIterable<EventChunk> & Partial<DecodedChunks> = recording.chunks();
  for await (const chunk of chunks) {
    const length = chunk.t.length;
    if (length === 0) continue;
    firstMicros ??= chunk.origin + chunk.t[0]!;
    lastMicros = chunk.origin + chunk.t[length - 1]!;
    events += length;
    for (let i = 0; i < length; i++) on += chunk.on[i]!;
    x.add(chunk.x);
    y.add(chunk.y);
  }
  const durationMicros = (lastMicros ?? 0) - (firstMicros ?? 0);
  return {
    id: recording.id,
    format: (recording as Partial<RecordingFile>).format?.name,
    sensor: recording.sensor ?? chunks.sensor,
    simulated: recording.simulated,
    events,
    on,
    off: events - on,
    firstMicros,
    lastMicros,
    durationMicros,
    eventsPerSecond: durationMicros === 0 ? 0 : (events * 1e6) / durationMicros,
    xRange: x.range,
    yRange: y.range,
    counters: chunks.counters,
  };
}

class Extent {
  #least = Number.POSITIVE_INFINITY;
  #greatest = Number.NEGATIVE_INFINITY;

  get range(): [number, number] | undefined {
    return this.#least > this.#greatest ? undefined : [this.#least, this.#greatest];
  }

  add(values: Uint16Array): void {
    let least = this.#least;
    let greatest = this.#greatest;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
    this.#least = least;
    this.#greatest = greatest;
  }
}
