import type { EventChunk } from '../../../events.ts';
import type { EncodeOptions, EventEncoder } from '../format.ts';
import { MAGIC, padded } from './layout.ts';
import { type BatchBlock, writeBatch, writeFooter, writeSchema } from './writer.ts';

const END_OF_STREAM = Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0);

/** Writes an Arrow file, one record batch a chunk. */
export class ArrowEncoder implements EventEncoder {
  readonly #options: EncodeOptions;
  readonly #blocks: BatchBlock[] = [];
  #offset = 0;

  constructor(options: EncodeOptions) {
    this.#options = options;
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    const rows = chunk.t.length;
    if (rows === 0) return;
    const columns = [timestamps(chunk), bytesOf(chunk.x), bytesOf(chunk.y), bits(chunk.on)];
    const lengths = columns.map((column) => column.length);
    const message = writeBatch(rows, lengths);
    const body = new Uint8Array(lengths.reduce((sum, length) => sum + padded(length), 0));
    let position = 0;
    for (const column of columns) {
      body.set(column, position);
      position += padded(column.length);
    }
    this.#blocks.push({ offset: this.#offset, metadataBytes: message.length, bodyBytes: body.length });
    this.#put(message, emit);
    this.#put(body, emit);
  }

  end(emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    const { sensor, simulated = false } = this.#options;
    const footer = writeFooter(sensor, simulated, this.#blocks);
    const length = Int32Array.of(footer.length);
    for (const part of [END_OF_STREAM, footer, bytesOf(length), MAGIC]) this.#put(part, emit);
  }

  #head(emit: (bytes: Uint8Array) => void): void {
    if (this.#offset > 0) return;
    const { sensor, simulated = false } = this.#options;
    const magic = new Uint8Array(padded(MAGIC.length));
    magic.set(MAGIC);
    this.#put(magic, emit);
    this.#put(writeSchema(sensor, simulated), emit);
  }

  #put(bytes: Uint8Array, emit: (bytes: Uint8Array) => void): void {
    this.#offset += bytes.length;
    emit(bytes);
  }
}

/** Absolute microseconds as 64-bit numbers. */
function timestamps({ origin, t }: EventChunk): Uint8Array {
  const words = new Uint32Array(2 * t.length);
  for (let i = 0; i < t.length; i++) {
    const micros = origin + t[i]!;
    words[2 * i] = micros;
    words[2 * i + 1] = Math.floor(micros / 4294967296);
  }
  return bytesOf(words);
}

/** One bit an event, the first in the lowest bit. */
function bits(on: Uint8Array): Uint8Array {
  const packed = new Uint8Array(Math.ceil(on.length / 8));
  for (let i = 0; i < on.length; i++) packed[i >> 3]! |= on[i]! << (i & 7);
  return packed;
}

function bytesOf(values: Uint16Array | Uint32Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
