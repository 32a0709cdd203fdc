import { OptionError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';

/** Throws where an event lies outside the sensor that a file is written for: its bits would say something else. */
export function checkWithinSensor(title: string, { x, y }: EventChunk, { width, height }: SensorSize): void {
  for (let i = 0; i < x.length; i++) {
    if (x[i]! >= width || y[i]! >= height) {
      throw new OptionError(
        `${title} for a sensor of ${width}x${height} holds no event at (${x[i]}, ${y[i]}); crop the events first`,
      );
    }
  }
}
