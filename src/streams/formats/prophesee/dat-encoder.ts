import { OptionError } from '../../../errors.ts';
import type { EventChunk } from '../../../events.ts';
import type { EncodeOptions, EventEncoder } from '../format.ts';
import { KernelBytes } from '../kernels/kernel-bytes.ts';
import { loops } from '../kernels/loops.ts';
import { CLOCK } from '../kernels/state.ts';
import { DAT_BYTES, DAT_LAYOUTS, setDatLayout } from './dat-records.ts';

const KINDS = { 1: 0x00, 2: 0x0c } as const;

/** Writes DAT; times are stored modulo 2^32 µs. */
export class DatEncoder implements EventEncoder {
  readonly #version: 1 | 2;
  readonly #options: EncodeOptions;
  readonly #bytes: KernelBytes;
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
    const format = { title: `DAT ${version}`, kernel: loops().encode.dat, mostBytes: DAT_BYTES };
    this.#bytes = new KernelBytes(format, options.sensor);
    setDatLayout(this.#bytes.state, version);
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
