import type { EventChunk, SensorSize, Stage } from '../../events.ts';

/** What a decoder met besides good events; nothing is dropped without being counted here. */
export interface DecodeCounters {
  /** Events delivered. */
  events: number;
  /** Events whose time went back and was raised to the time before it. */
  backward: number;
  /** Events outside the sensor, dropped. */
  outOfRange: number;
  /** Records or packets of another kind (frames, inertial samples, triggers), skipped. */
  skipped: number;
}

/** Turns byte blocks of any size into chunks; a fault throws a FormatError with the byte offset. */
export interface EventDecoder extends Stage<Uint8Array, EventChunk> {
  /** Known once the header has been read; absent where the format does not say. */
  readonly sensor: SensorSize | undefined;
  readonly counters: Readonly<DecodeCounters>;
  /** True once the file has said that no sensor saw its events. */
  readonly simulated?: boolean;
}

/** Turns chunks into the bytes of a file. */
export interface EventEncoder extends Stage<EventChunk, Uint8Array> {}

export interface DecodeOptions {
  /** Named in errors. */
  readonly path?: string;
  /** Overrides what the file says, or fills in what it does not. */
  readonly sensor?: SensorSize;
  /** AEDAT 2.0 from a DVS128: `jaer` as jAER shows it, `display` transposed as CIFAR10-DVS is shown. Default `jaer`. */
  readonly orientation?: 'jaer' | 'display';
}

export interface EncodeOptions {
  readonly sensor: SensorSize;
  /** Marks the recording as simulated, where the format can say so. */
  readonly simulated?: boolean;
}

/** A file format of event recordings, decoder beside encoder. */
export interface EventFormat {
  /** Short name, as options and reports use it: `aedat2`. */
  readonly name: string;
  /** Name for people: `AEDAT 2.0`. */
  readonly title: string;
  /**
   * How sure the content is: 1 by a magic, 0 not this format, between by plausibility of headerless records.
   * @param head the first bytes, up to 64 KiB, or the whole file where it is shorter
   * @param size length of the file in bytes, where known
   */
  sniff(head: Uint8Array, size?: number): number;
  createDecoder(options?: DecodeOptions): EventDecoder;
  /** Loads what decoding this file needs; to be awaited once before the decoder is used. */
  prepare?(head: Uint8Array): Promise<void>;
  createEncoder?(options: EncodeOptions): EventEncoder;
}
