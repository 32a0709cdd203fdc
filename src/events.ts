/**
 * The words that every layer shares. Chunks of events flow, never single events; nobody writes to a chunk after
 * handing it on.
 */

/** Size of an event sensor in pixels. */
export interface SensorSize {
  readonly width: number;
  readonly height: number;
}

/**
 * A block of events as parallel columns. Time is sorted within a chunk and across the chunks of one recording;
 * a chunk may be empty. `x` counts from the left, `y` from the top.
 */
export interface EventChunk {
  /** Microseconds that are added to every `t`; exact to 2^53. */
  readonly origin: number;
  /** Microseconds after `origin`. */
  readonly t: Uint32Array;
  readonly x: Uint16Array;
  readonly y: Uint16Array;
  /** 1 where the pixel became brighter, 0 where it became darker. */
  readonly on: Uint8Array;
}

/** A finite event stream: a token until its chunks are pulled, so that holding many costs nothing. */
export interface Recording {
  /** Name that stays the same between runs and machines: splits, seeds and caches hang on it. */
  readonly id: string;
  /** Absent where the format does not say and no dataset knows. */
  readonly sensor?: SensorSize;
  /** Class index, where the recording belongs to a labelled set. */
  readonly label?: number;
  /** True for events that no sensor saw. */
  readonly simulated: boolean;
  /** Opens the recording anew and decodes it lazily; ending the iteration early closes it. */
  chunks(): AsyncIterable<EventChunk>;
}

/** A static image, 8 bits a channel, [height, width, channels], with its class. */
export interface LabelledImage {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly pixels: Uint8Array;
  readonly label: number;
}

/** A slice of time turned into a picture: [height, width, channels], float32; events give channel 0 = off, 1 = on. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Float32Array;
  /** Start of the slice in microseconds, inclusive. */
  readonly startMicros: number;
  /** End of the slice in microseconds, exclusive but for the last bin of a recording. */
  readonly endMicros: number;
  /** Events that were counted in. */
  readonly events: number;
}

/** The frames of one recording or image, time first: [steps, height, width, channels]. */
export interface Sample {
  readonly id: string;
  readonly label: number;
  readonly frames: Float32Array;
  /** [steps, height, width, channels]; steps includes padding. */
  readonly shape: readonly [number, number, number, number];
  /** Steps that are real; the rest are empty frames that count neither in losses nor in rates. */
  readonly length: number;
  /** Median length of a bin in microseconds; absent for images. */
  readonly binMicros?: number;
}

/**
 * A consumer that is pushed values and emits any number of others, at once. State lives in the stage; `end` emits
 * what is left. Decoders, encoders and all stateful operators are stages.
 */
export interface Stage<In, Out> {
  push(value: In, emit: (value: Out) => void): void;
  end(emit: (value: Out) => void): void;
}

/** About how many events a chunk holds. */
export const CHUNK_EVENTS = 16384;

/** An uninitialised chunk of `length` events: four views of one allocation. */
export function allocateChunk(origin: number, length: number): EventChunk {
  const buffer = new ArrayBuffer(9 * length);
  return chunkViews(buffer, origin, length);
}

/** Views of `buffer` as a chunk of `length` events; `buffer` holds at least 9 bytes an event. */
export function chunkViews(buffer: ArrayBuffer, origin: number, length: number): EventChunk {
  return {
    origin,
    t: new Uint32Array(buffer, 0, length),
    x: new Uint16Array(buffer, 4 * length, length),
    y: new Uint16Array(buffer, 6 * length, length),
    on: new Uint8Array(buffer, 8 * length, length),
  };
}

/** The events `start` to `end` (exclusive) of a chunk, without a copy. */
export function sliceChunk(chunk: EventChunk, start: number, end: number): EventChunk {
  return {
    origin: chunk.origin,
    t: chunk.t.subarray(start, end),
    x: chunk.x.subarray(start, end),
    y: chunk.y.subarray(start, end),
    on: chunk.on.subarray(start, end),
  };
}
