/**
 * Event Stream (.es), version 2: a magic, the kind of camera and the size of its sensor, then events of a few bytes,
 * whose times are steps from one to the next; rows count from the bottom. Of an ATIS the changes are delivered, and its
 * threshold crossings, which measure exposure, are skipped; an event of a colour camera is on where its pixel has
 * become brighter than it was. https://github.com/neuromorphic-paris/event_stream
 */
import type { EventChunk, SensorSize } from '../../events.ts';
import { ByteWindow, viewOf } from './byte-window.ts';
import { EventStreamEncoder, MAGIC } from './event-stream/encoder.ts';
import { KINDS, type PixelKind, pixelEvents, REACH_MICROS } from './event-stream/events.ts';
import { formatFault, zeroCounters } from './fault.ts';
import type { DecodeCounters, DecodeOptions, EventDecoder, EventFormat } from './format.ts';
import type { Kernel } from './kernels/kernel.ts';
import { KernelChunks } from './kernels/kernel-chunks.ts';
import { loops } from './kernels/loops.ts';
import { HEIGHT, LAST, NOW, WIDTH, Y_TOP } from './kernels/state.ts';

/** Magic, three bytes of version, kind. */
const KIND_BYTES = MAGIC.length + 4;
const HEADER_BYTES = KIND_BYTES + 4;
const MAJOR_VERSION = 2;
/** A colour camera with more pixels than this is a lie: each needs memory. */
const MOST_COLOUR_PIXELS = 2 ** 22;

class EventStreamDecoder implements EventDecoder {
  readonly counters: DecodeCounters = zeroCounters();
  readonly #options: DecodeOptions;
  readonly #window = new ByteWindow();
  readonly #chunks = new KernelChunks(this.counters);
  #kernel: Kernel | undefined;
  #sensor: SensorSize | undefined;
  /** Bytes of an event whose rest has not come. */
  #held = new Uint8Array(0);
  #offset = HEADER_BYTES;

  constructor(options: DecodeOptions) {
    this.#options = options;
  }

  get sensor(): SensorSize | undefined {
    return this.#options.sensor ?? this.#sensor;
  }

  push(block: Uint8Array, emit: (chunk: EventChunk) => void): void {
    if (this.#kernel !== undefined) {
      this.#decode(block, emit);
      return;
    }
    this.#window.push(block);
    const kind = this.#window.peek(KIND_BYTES);
    if (kind !== undefined) this.#checkKind(kind);
    const header = this.#window.take(HEADER_BYTES);
    if (header === undefined) return;
    this.#settle(header);
    this.#decode(this.#window.take(this.#window.available)!, emit);
  }

  handOn(emit: (chunk: EventChunk) => void): void {
    this.#chunks.handOn(emit);
  }

  end(emit: (chunk: EventChunk) => void): void {
    if (this.#kernel === undefined) {
      this.#fail(`header of ${HEADER_BYTES} bytes expected, the data end after ${this.#window.available}`, 0);
    }
    this.#chunks.flush(emit);
    const held = this.#held.length;
    if (held > 0) this.#fail(`event expected, the data end after ${held} bytes of it`, this.#offset - held);
  }

  #checkKind(head: Uint8Array): void {
    if (!startsWithMagic(head)) this.#fail('magic "Event Stream" expected', 0);
    const version = head[MAGIC.length]!;
    if (version !== MAJOR_VERSION) {
      this.#fail(`of version ${MAJOR_VERSION} expected, found ${version}`, MAGIC.length);
    }
    const code = head[KIND_BYTES - 1]!;
    const kind = KINDS[code];
    if (kind === 'DVS' || kind === 'ATIS' || kind === 'colour') return;
    const found = kind === undefined ? `kind ${code}` : `${kind}, which holds no events of pixels`;
    this.#fail(`of a DVS, an ATIS or a colour camera expected, found ${found}`, KIND_BYTES - 1);
  }

  #settle(header: Uint8Array): void {
    const kind = KINDS[header[KIND_BYTES - 1]!] as PixelKind;
    const view = viewOf(header);
    const width = view.getUint16(KIND_BYTES, true);
    const height = view.getUint16(KIND_BYTES + 2, true);
    if (width === 0 || height === 0) this.#fail(`sensor size expected, found ${width}x${height}`, KIND_BYTES);
    if (kind === 'colour' && width * height > MOST_COLOUR_PIXELS) {
      const message = `sensor of a colour camera of at most ${MOST_COLOUR_PIXELS} pixels expected, found`;
      this.#fail(`${message} ${width}x${height}`, KIND_BYTES);
    }
    this.#sensor = { width, height };
    const { state } = this.#chunks;
    state[WIDTH] = Math.min(this.sensor!.width, width);
    state[HEIGHT] = Math.min(this.sensor!.height, height);
    state[Y_TOP] = height - 1;
    const brightness = new Uint16Array(kind === 'colour' ? width * height : 0);
    const grows = (column: number, row: number, sum: number): boolean => {
      const pixel = row * width + column;
      const isBrighter = sum > brightness[pixel]!;
      brightness[pixel] = sum;
      return isBrighter;
    };
    this.#kernel = kind === 'DVS' ? loops().decode.es : pixelEvents(kind, grows);
  }

  #decode(block: Uint8Array, emit: (chunk: EventChunk) => void): void {
    const { state } = this.#chunks;
    const bytes = this.#held.length === 0 ? block : Buffer.concat([this.#held, block]);
    this.#held = new Uint8Array(0);
    this.#offset += block.length;
    const resume = (position: number): number => {
      if (state[NOW]! >= REACH_MICROS) {
        this.#chunks.moveOrigin(this.#chunks.origin + state[NOW]!, emit);
        state[NOW] = 0;
        state[LAST] = 0;
        return position;
      }
      // A copy: the block may be a Buffer, whose slice is a view, and its memory serves the next block too.
      this.#held = new Uint8Array(bytes.subarray(position));
      return bytes.length;
    };
    this.#chunks.decode(viewOf(bytes), 0, this.#kernel!, resume, emit);
  }

  #fail(message: string, byteOffset: number): never {
    throw formatFault(`Event Stream ${message}`, this.#options.path, byteOffset);
  }
}

function startsWithMagic(head: Uint8Array): boolean {
  return MAGIC.every((byte, i) => head[i] === byte);
}

/** Event Stream, version 2. */
export const eventStream: EventFormat = {
  name: 'es',
  title: 'Event Stream',
  extensions: ['.es'],
  sniff: (head) => (startsWithMagic(head) ? 1 : 0),
  createDecoder: (options = {}) => new EventStreamDecoder(options),
  createEncoder: (options) => new EventStreamEncoder(options),
};
