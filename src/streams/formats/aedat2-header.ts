import { OptionError } from '../../errors.ts';
import type { SensorSize } from '../../events.ts';
import { formatFault } from './fault.ts';

/** A sensor chip as AEDAT 2.0 names it. */
export interface Aedat2Chip extends SensorSize {
  /** As after `# AEChip:`. */
  readonly name: string;
  /** How an address is laid out. */
  readonly layout: 'dvs128' | 'davis';
}

const DVS128: Aedat2Chip = {
  name: 'ch.unizh.ini.jaer.chip.retina.DVS128',
  layout: 'dvs128',
  width: 128,
  height: 128,
};

const davis = (name: string, width: number, height: number): Aedat2Chip => ({
  name: `eu.seebetter.ini.chips.davis.${name}`,
  layout: 'davis',
  width,
  height,
});

const DAVIS240 = davis('DAVIS240C', 240, 180);
const DAVIS_CHIPS = [
  DAVIS240,
  davis('Davis346blue', 346, 260),
  davis('DAVIS208PixelParade', 208, 192),
  davis('DAVIS128', 128, 128),
  davis('DAVIS640', 640, 480),
];

/** A line longer than this is no header line. */
const LONGEST_LINE_BYTES = 1 << 20;

/** The chip that a header names, for example `eu.seebetter.ini.chips.davis.Davis346red`; undefined when unknown. */
function findChip(name: string): Aedat2Chip | undefined {
  const short = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  if (short.startsWith('dvs128')) return DVS128;
  if (short.startsWith('sbret')) return DAVIS240;
  const size = /^davis(?:rgbw)?(\d{3})/.exec(short)?.[1];
  return DAVIS_CHIPS.find((chip) => size !== undefined && `${chip.width}` === size);
}

/**
 * The chip of a file that names none, from the bytes of its first records: an address of a DVS128 has 16 bits, one
 * of a DAVIS nearly always has more. A DAVIS is taken for a DAVIS240, as synthetic files are.
 */
export function guessChip(records: Uint8Array): Aedat2Chip {
  for (let i = 0; i + 1 < records.length; i += 8) {
    if ((records[i]! | records[i + 1]!) !== 0) return DAVIS240;
  }
  return DVS128;
}

/** The chip of a sensor's size, to write its recordings; throws where AEDAT 2.0 knows none. */
export function chipForSensor(sensor: SensorSize): Aedat2Chip {
  const known = [DVS128, ...DAVIS_CHIPS].find(
    (chip) => chip.width === sensor.width && chip.height === sensor.height,
  );
  if (known !== undefined) return known;
  throw new OptionError(
    `AEDAT 2.0 holds sensors of ${[DVS128, ...DAVIS_CHIPS].map((chip) => `${chip.width}x${chip.height}`).join(', ')}, ` +
      `not ${sensor.width}x${sensor.height}; write Arrow instead`,
  );
}

/**
 * Reads the header lines of AEDAT 2.0. It ends after `#End Of ASCII Header`, or, in files from before 2016, at the
 * first line that does not start with `#`; a line with control bytes in it is no line, but records that begin with
 * the byte of `#`.
 */
export class Aedat2Header {
  done = false;
  chip: Aedat2Chip | undefined;
  readonly #path: string | undefined;
  #line = new Uint8Array(256);
  #length = 0;
  #lineOffset = 0;
  #lines = 0;

  constructor(path: string | undefined) {
    this.#path = path;
  }

  /** Takes a block; gives the parts of the body that it was found to hold, once the header is done. */
  read(block: Uint8Array): Uint8Array[] {
    for (let i = 0; i < block.length; i++) {
      const byte = block[i]!;
      if (this.#length === 0 && byte !== 0x23) {
        if (this.#lines === 0) this.#refuse(byte);
        this.done = true;
        return [block.subarray(i)];
      }
      if (byte === 0x0a) {
        this.#endLine();
        if (this.done) return [block.subarray(i + 1)];
      } else if (byte < 0x20 && byte !== 0x09 && byte !== 0x0d) {
        if (this.#lines === 0) this.#refuse(byte);
        this.done = true;
        return [this.#line.slice(0, this.#length), block.subarray(i)];
      } else this.#append(byte);
    }
    return [];
  }

  /** The data are over before the header is: nothing but whole lines is a recording without events. */
  end(): void {
    if (this.#length > 0 || this.#lines === 0) {
      const offset = this.#lineOffset + this.#length;
      throw formatFault('AEDAT 2.0 header line expected, the data end within it', this.#path, offset);
    }
  }

  #append(byte: number): void {
    if (this.#length === this.#line.length) {
      if (this.#length === LONGEST_LINE_BYTES) {
        const message = `AEDAT 2.0 header line expected, none ends within ${LONGEST_LINE_BYTES} bytes`;
        throw formatFault(message, this.#path, this.#lineOffset);
      }
      const longer = new Uint8Array(2 * this.#length);
      longer.set(this.#line);
      this.#line = longer;
    }
    this.#line[this.#length++] = byte;
  }

  #endLine(): void {
    const line = Buffer.from(this.#line.buffer, 0, this.#length).toString('latin1').trimEnd();
    if (this.#lines === 0 && !line.startsWith('#!AER-DAT2.0')) {
      const message = `AEDAT 2.0 starts with #!AER-DAT2.0, found ${JSON.stringify(line.slice(0, 20))}`;
      throw formatFault(message, this.#path, 0);
    }
    if (line === '#End Of ASCII Header') this.done = true;
    const name = /^#\s*AEChip:\s*(\S+)/.exec(line)?.[1];
    if (name !== undefined) {
      this.chip = findChip(name);
      if (this.chip === undefined) {
        const message = `chip ${JSON.stringify(name.slice(0, 80))} is not known; DVS128 and DAVIS are`;
        throw formatFault(message, this.#path, this.#lineOffset);
      }
    }
    this.#lines++;
    this.#lineOffset += this.#length + 1;
    this.#length = 0;
  }

  #refuse(byte: number): never {
    const message = `AEDAT 2.0 starts with #!AER-DAT2.0, found byte 0x${byte.toString(16).padStart(2, '0')}`;
    throw formatFault(message, this.#path, this.#lineOffset + this.#length);
  }
}
