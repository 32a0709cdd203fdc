import { OptionError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';

/** Throws where an event lies outside the sensor that a file is written for. */
export function checkWithinSensor(
  title: string,
  { x, y }: EventChunk,
  event: number,
  { width, height }: SensorSize,
): void {
  if (x[event]! < width && y[event]! < height) return;
  throw new OptionError(
    `${title} for a sensor of ${width}x${height} holds no event at (${x[event]}, ${y[event]}); crop the events first`,
  );
}
