import type { EventChunk } from '../../../events.ts';
import type { EncodeOptions, EventEncoder } from '../format.ts';
import { KernelBytes } from '../kernels/kernel-bytes.ts';
import { loops } from '../kernels/loops.ts';
import { CLOCK, X_TOP, Y_TOP } from '../kernels/state.ts';
import { type Aedat2Chip, chipForSensor } from './chips.ts';
import { RECORD_BYTES, setAedat2Layout } from './records.ts';

/** What an AEDAT 2.0 file starts with. */
export const MAGIC = '#!AER-DAT2.0';

/** Writes AEDAT 2.0 for a chip of the sensor's size; times are stored modulo 2^32 us. */
export class Aedat2Encoder implements EventEncoder {
  readonly #chip: Aedat2Chip;
  readonly #bytes: KernelBytes;
  #headed = false;

  constructor({ sensor }: EncodeOptions) {
    this.#chip = chipForSensor(sensor);
    const format = { title: 'AEDAT 2.0', kernel: loops().encode.aedat2, mostBytes: RECORD_BYTES };
    this.#bytes = new KernelBytes(format, sensor);
    const { state } = this.#bytes;
    setAedat2Layout(state, this.#chip);
    state[X_TOP] = sensor.width - 1;
    state[Y_TOP] = sensor.height - 1;
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    // The state takes it modulo 2^32.
    this.#bytes.state[CLOCK] = chunk.origin;
    if (chunk.t.length > 0) emit(this.#bytes.encode(chunk));
  }

  end(emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
  }

  #head(emit: (bytes: Uint8Array) => void): void {
    if (this.#headed) return;
    this.#headed = true;
    const lines = [
      MAGIC,
      '# Timestamps tick: 1 us',
      `# AEChip: ${this.#chip.name}`,
      '#End Of ASCII Header',
      '',
    ];
    emit(Buffer.from(lines.join('\r\n'), 'latin1'));
  }
}
