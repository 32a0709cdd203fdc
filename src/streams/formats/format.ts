import type { EventChunk, SensorSize, Stage } from '../../events.ts';
import type { ByteSource } from '../byte-source.ts';
import type { TimeRange } from '../time-range.ts';
import type { OtherRecord } from './other-records.ts';

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
  /** Hands on what has been decoded of a stream that comes slowly; decoding goes on. */
  handOn(emit: (chunk: EventChunk) => void): void;
  /** Known once the header has been read; absent where the format does not say. */
  readonly sensor: SensorSize | undefined;
  readonly counters: Readonly<DecodeCounters>;
  /** True once the file has said that no sensor saw its events. */
  readonly simulated?: boolean;
}

/** Bytes to be overwritten in a file that has been written. */
export interface Patch {
  /** From the start of the file. */
  readonly byteOffset: number;
  readonly bytes: Uint8Array;
}

/** Turns chunks into the bytes of a file. */
export interface EventEncoder extends Stage<EventChunk, Uint8Array> {
  /** After `end`: what to overwrite where that is possible; the file is right without it, but says less. */
  patches?(): readonly Patch[];
}

/** Unit of the times in formats that do not say it themselves. */
export type TimeUnit = 's' | 'ms' | 'us' | 'ns';

export interface DecodeOptions {
  /** Named in errors. */
  readonly path?: string;
  /** Overrides what the file says, or fills in what it does not. */
  readonly sensor?: SensorSize;
  /** AEDAT 2.0 from a DVS128: `jaer` as jAER shows it, `display` transposed as CIFAR10-DVS is shown. Default `jaer`. */
  readonly orientation?: 'jaer' | 'display';
  /** Prophesee RAW: times count from the first one in the file, as Metavision shows them. Default: as stored. */
  readonly shiftTime?: boolean;
  /**
   * Order of the columns of text and of plain NumPy arrays: the letters t, x, y and p, and - for one to pass over:
   * `txyp`. Default: what the names of the columns say, else what the first rows suggest.
   */
  readonly columns?: string;
  /** Unit of times in text, NumPy and HDF5. Default: what the file says, else s for fractions, us for whole numbers. */
  readonly timeUnit?: TimeUnit;
  /**
   * AEDAT 3.1 and 4 that come live: where a packet begins more than a second before the last event, the camera's clock
   * has been set back, and times go back with it. Default: they are raised to the time before them.
   */
  readonly restarts?: boolean;
  /** Given what is no event (frames, inertial samples, triggers) in the order of the file; counted as skipped all the same. */
  readonly others?: (record: OtherRecord) => void;
}

export interface EncodeOptions {
  readonly sensor: SensorSize;
  /** Marks the recording as simulated, where the format can say so. */
  readonly simulated?: boolean;
  /** How AEDAT 4 packs its packets; default `lz4`. */
  readonly compression?: 'none' | 'lz4' | 'zstd';
  /** Style of text: of faery (`t,x,y,on`, default), Metavision (`x,y,p,t`) or RPG (`t x y p` in seconds). */
  readonly textStyle?: 'faery' | 'metavision' | 'rpg';
}

/** Where the decoding of a time range begins and ends. */
export interface Seek {
  /** Past the header, its clock set; it takes the bytes from `start` on. */
  readonly decoder: EventDecoder;
  readonly start: number;
  /** Events behind it are after the range. */
  readonly end: number;
}

/** What every file format has: a name, a way to be recognised, and perhaps an encoder. */
export interface RecordingFormat {
  /** Short name, as options and reports use it: `aedat2`. */
  readonly name: string;
  /** Name for people: `AEDAT 2.0`. */
  readonly title: string;
  /** Endings of file names, in lower case, the usual one first: `['.aedat4']`. */
  readonly extensions?: readonly string[];
  /**
   * How sure the content is: 1 by a magic, 0 not this format, between by plausibility of headerless records.
   * @param head the first bytes, up to 64 KiB, or the whole file where it is shorter
   * @param size length of the file in bytes, where known
   */
  sniff(head: Uint8Array, size?: number): number;
  createEncoder?(options: EncodeOptions): EventEncoder;
  /** Loads what encoding so needs; to be awaited once before the encoder is made. */
  prepareEncoder?(options: EncodeOptions): Promise<void>;
}

/** A file format of event recordings that is decoded from front to back, decoder beside encoder. */
export interface EventFormat extends RecordingFormat {
  createDecoder(options?: DecodeOptions): EventDecoder;
  /** Loads what decoding this file needs; to be awaited once before the decoder is used. */
  prepare?(head: Uint8Array): Promise<void>;
  /** Finds a time range without decoding what is before it; undefined where this file does not allow it. */
  seek?(source: ByteSource, range: TimeRange, options: DecodeOptions): Promise<Seek | undefined>;
}

/** A pass over a file that is read by jumps. */
export interface EventReader {
  readonly sensor: SensorSize | undefined;
  readonly counters: Readonly<DecodeCounters>;
  readonly simulated?: boolean;
  /**
   * The events, decoded as they are pulled; those before a fault come first. With a range, all events of it and
   * perhaps some around it. Called once.
   */
  chunks(range?: TimeRange): AsyncGenerator<EventChunk>;
  close(): Promise<void>;
}

/** A file format whose tables point to and fro, so that it is read by jumps: HDF5, Parquet, archives of arrays. */
export interface IndexedFormat extends RecordingFormat {
  /** Reads the tables; the source stays open until the reader is closed, by whoever opened it. */
  openReader(source: ByteSource, options?: DecodeOptions): Promise<EventReader>;
}

/** Any file format. */
export type AnyFormat = EventFormat | IndexedFormat;
