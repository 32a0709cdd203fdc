/**
 * AEDAT 1.0 (jAER before 2008): perhaps lines that start with `#`, then big-endian records of a 16-bit address of a
 * DVS128 and a 32-bit time in microseconds. But for the width of the address it is AEDAT 2.0, whose decoder does the
 * work.
 */
import type { EventChunk, SensorSize } from '../../events.ts';
import { Aedat2Header } from './aedat2/header.ts';
import { aedat2 } from './aedat2.ts';
import { viewOf } from './byte-window.ts';
import { formatFault } from './fault.ts';
import type { DecodeCounters, DecodeOptions, EventDecoder, EventFormat } from './format.ts';
import { RecordCarry } from './record-carry.ts';

const RECORD_BYTES = 6;
const WIDE_RECORD_BYTES = 8;
const MAGIC = '#!AER-DAT1.0';
/** What files without the magic begin with. */
const OTHER_START = '# This is a raw AE data file';
const WIDE_HEADER = Buffer.from('#!AER-DAT2.0\r\n# AEChip: DVS128\r\n#End Of ASCII Header\r\n', 'latin1');
/** Records that are widened at a time. */
const STEP_RECORDS = 8192;
/** Fewer records than this do not tell a file without a header. */
const FEWEST_RECORDS = 4;

class Aedat1Decoder implements EventDecoder {
  readonly #path: string | undefined;
  readonly #header: Aedat2Header;
  readonly #wide: EventDecoder;
  readonly #carry = new RecordCarry(RECORD_BYTES);
  readonly #records = new Uint8Array(STEP_RECORDS * WIDE_RECORD_BYTES);
  #offset = 0;

  constructor(options: DecodeOptions) {
    this.#path = options.path;
    this.#header = new Aedat2Header(options.path, '1.0');
    this.#wide = aedat2.createDecoder(options);
    this.#wide.push(WIDE_HEADER, () => undefined);
  }

  get counters(): Readonly<DecodeCounters> {
    return this.#wide.counters;
  }

  get sensor(): SensorSize | undefined {
    return this.#header.done ? this.#wide.sensor : undefined;
  }

  push(block: Uint8Array, emit: (chunk: EventChunk) => void): void {
    this.#offset += block.length;
    const parts = this.#header.done ? [block] : this.#header.read(block);
    for (const part of parts) this.#carry.feed(part, (records) => this.#widen(records, emit));
  }

  handOn(emit: (chunk: EventChunk) => void): void {
    this.#wide.handOn(emit);
  }

  end(emit: (chunk: EventChunk) => void): void {
    if (!this.#header.done) this.#header.end();
    this.#wide.end(emit);
    const held = this.#carry.held;
    if (held > 0) {
      const message = `AEDAT 1.0 record of ${RECORD_BYTES} bytes expected, the data end after ${held}`;
      throw formatFault(message, this.#path, this.#offset - held);
    }
  }

  #widen(records: DataView, emit: (chunk: EventChunk) => void): void {
    const target = viewOf(this.#records);
    for (let position = 0; position < records.byteLength; ) {
      const stop = Math.min(records.byteLength, position + STEP_RECORDS * RECORD_BYTES);
      let written = 0;
      for (; position < stop; position += RECORD_BYTES, written += WIDE_RECORD_BYTES) {
        target.setUint32(written, records.getUint16(position));
        target.setUint32(written + 4, records.getUint32(position + 2));
      }
      this.#wide.push(this.#records.subarray(0, written), emit);
    }
  }
}

/** How plausible bytes without a header are as records: whole ones whose times rise, but for one in a hundred. */
function plausibility(head: Uint8Array, size: number | undefined): number {
  if ((size ?? head.length) % RECORD_BYTES !== 0 || head.length < FEWEST_RECORDS * RECORD_BYTES) return 0;
  const view = viewOf(head);
  let backward = 0;
  let records = 0;
  let first = -1;
  let last = -1;
  for (let at = 0; at + RECORD_BYTES <= head.length; at += RECORD_BYTES, records++) {
    const time = view.getUint32(at + 2);
    if (time < last) backward++;
    if (first < 0) first = time;
    last = time;
  }
  return first === last || backward * 100 > records ? 0 : 0.4;
}

/** AEDAT 1.0, as the first versions of jAER wrote it: DVS128. */
export const aedat1: EventFormat = {
  name: 'aedat1',
  title: 'AEDAT 1.0',
  extensions: ['.dat', '.aedat'],
  sniff: (head, size) => {
    const start = Buffer.from(head.subarray(0, OTHER_START.length)).toString('latin1');
    return start.startsWith(MAGIC) || start === OTHER_START ? 1 : plausibility(head, size);
  },
  createDecoder: (options = {}) => new Aedat1Decoder(options),
};
