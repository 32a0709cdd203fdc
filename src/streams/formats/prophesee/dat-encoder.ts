import { OptionError } from '../../../errors.ts';
import type { EventChunk } from '../../../events.ts';
import type { EncodeOptions, EventEncoder } from '../format.ts';
import { GrowingBytes } from '../growing-bytes.ts';
import { checkWithinSensor } from '../within-sensor.ts';
import { DAT_BYTES, DAT_LAYOUTS } from './dat-records.ts';

const KINDS = { 1: 0x00, 2: 0x0c } as const;

/** Writes DAT; times are stored modulo 2^32 µs. */
export class DatEncoder implements EventEncoder {
  readonly #version: 1 | 2;
  readonly #options: EncodeOptions;
  #headed = false;

  constructor(version: 1 | 2, options: EncodeOptions) {
    const { columnBits, rowBits } = DAT_LAYOUTS[version];
    const { width, height } = options.sensor;
    if (width > 2 ** columnBits || height > 2 ** rowBits) {
      throw new OptionError(
        `DAT ${version} holds sensors up to ${2 ** columnBits}x${2 ** rowBits}, not ${width}x${height}`,
      );
    }
    this.#version = version;
    this.#options = options;
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    checkWithinSensor(`DAT ${this.#version}`, chunk, this.#options.sensor);
    const { origin, t, x, y, on } = chunk;
    const { columnBits, onBit } = DAT_LAYOUTS[this.#version];
    const clock = (origin % 2 ** 32) | 0;
    const bytes = new GrowingBytes(t.length * DAT_BYTES);
    const { view } = bytes;
    for (let i = 0; i < t.length; i++) {
      view.setInt32(i * DAT_BYTES, (clock + t[i]!) | 0, true);
      view.setInt32(i * DAT_BYTES + 4, x[i]! | (y[i]! << columnBits) | (on[i]! << onBit), true);
    }
    if (t.length > 0) emit(bytes.written(t.length * DAT_BYTES));
  }

  end(emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
  }

  #head(emit: (bytes: Uint8Array) => void): void {
    if (this.#headed) return;
    this.#headed = true;
    const { sensor, simulated } = this.#options;
    const lines = [
      `% Data file containing ${this.#version === 2 ? 'CD' : 'Event2d'} events.`,
      `% Version ${this.#version}`,
      `% Height ${sensor.height}`,
      `% Width ${sensor.width}`,
      ...(simulated === true ? ['% Simulated true'] : []),
      '',
    ];
    emit(
      Buffer.concat([Buffer.from(lines.join('\n'), 'latin1'), Buffer.of(KINDS[this.#version], DAT_BYTES)]),
    );
  }
}
