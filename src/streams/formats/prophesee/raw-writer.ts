import { OptionError } from '../../../errors.ts';
import type { SensorSize } from '../../../events.ts';

/** Columns and rows that 11 bits can say. */
const MOST_PIXELS = 2048;

/** Throws where a sensor is too large for RAW files. */
export function checkRawSensor(title: string, { width, height }: SensorSize): void {
  if (width <= MOST_PIXELS && height <= MOST_PIXELS) return;
  throw new OptionError(`${title} holds sensors up to ${MOST_PIXELS}x${MOST_PIXELS}, not ${width}x${height}`);
}
