import type { EventChunk } from '../../../events.ts';
import type { EncodeOptions, EventEncoder } from '../format.ts';
import { GrowingBytes } from '../growing-bytes.ts';
import { type Aedat2Chip, chipForSensor } from './chips.ts';
import { RECORD_BYTES } from './records.ts';

/** What an AEDAT 2.0 file starts with. */
export const MAGIC = '#!AER-DAT2.0';

/** Writes AEDAT 2.0 for a chip of the sensor's size. */
export class Aedat2Encoder implements EventEncoder {
  readonly #chip: Aedat2Chip;
  #headed = false;

  constructor(options: EncodeOptions) {
    this.#chip = chipForSensor(options.sensor);
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    const { width, height, layout } = this.#chip;
    const bytes = new GrowingBytes(chunk.t.length * RECORD_BYTES);
    const { view } = bytes;
    // Times are stored modulo 2^32 us.
    const clock = (chunk.origin % 2 ** 32) | 0;
    for (let i = 0; i < chunk.t.length; i++) {
      const column = width - 1 - chunk.x[i]!;
      const row = height - 1 - chunk.y[i]!;
      const address =
        layout === 'davis'
          ? (row << 22) | (column << 12) | (chunk.on[i]! << 11)
          : (row << 8) | (column << 1) | (chunk.on[i]! ^ 1);
      view.setInt32(i * RECORD_BYTES, address);
      view.setInt32(i * RECORD_BYTES + 4, (clock + chunk.t[i]!) | 0);
    }
    emit(bytes.written(chunk.t.length * RECORD_BYTES));
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
