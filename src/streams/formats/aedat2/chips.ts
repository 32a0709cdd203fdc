import { OptionError } from '../../../errors.ts';
import type { SensorSize } from '../../../events.ts';

/** Bit of a DVS128's address that is set where a record is no event. */
const DVS128_OTHER = 0x8000;
/** Bits of a DAVIS's address one of which is set where a record is no event: frames and inertial samples, external. */
const DAVIS_OTHER = 0x80000400 | 0;

/** A sensor chip as AEDAT 2.0 names it. */
export interface Aedat2Chip extends SensorSize {
  /** As after `# AEChip:`. */
  readonly name: string;
  /** How an address is laid out. */
  readonly layout: 'dvs128' | 'davis';
  /** Bits of an address one of which is set where a record is no event. */
  readonly otherMask: number;
}

const DVS128: Aedat2Chip = {
  name: 'ch.unizh.ini.jaer.chip.retina.DVS128',
  layout: 'dvs128',
  otherMask: DVS128_OTHER,
  width: 128,
  height: 128,
};

const davis = (name: string, width: number, height: number): Aedat2Chip => ({
  name: `eu.seebetter.ini.chips.davis.${name}`,
  layout: 'davis',
  otherMask: DAVIS_OTHER,
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

/** The chip that a header names, for example `eu.seebetter.ini.chips.davis.Davis346red`; undefined when unknown. */
export function findChip(name: string): Aedat2Chip | undefined {
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
export function chipForSensor({ width, height }: SensorSize): Aedat2Chip {
  const chips = [DVS128, ...DAVIS_CHIPS];
  const chip = chips.find((known) => known.width === width && known.height === height);
  if (chip !== undefined) return chip;
  const sizes = new Set(chips.map((known) => `${known.width}x${known.height}`));
  throw new OptionError(
    `AEDAT 2.0 holds sensors of ${[...sizes].join(', ')}, not ${width}x${height}; write Arrow instead`,
  );
}
