import type { EventChunk, SensorSize } from '../events.ts';
import { encodePicture, pixelBytes } from './picture-code.ts';

/** The events of a camera since its last picture: two bits a pixel, the last event of a pixel counts. */
export class EventCanvas {
  /** Index of the camera. */
  readonly camera: number;
  readonly sensor: SensorSize;
  readonly #pixels: Uint8Array;
  #events = 0;
  #micros = 0;

  constructor(camera: number, sensor: SensorSize) {
    this.camera = camera;
    this.sensor = sensor;
    this.#pixels = new Uint8Array(pixelBytes(sensor.width, sensor.height));
  }

  /** Draws events; those outside the sensor are left out. */
  draw({ origin, t, x, y, on }: EventChunk): void {
    const { width, height } = this.sensor;
    const pixels = this.#pixels;
    const count = t.length;
    if (count === 0) return;
    for (let i = 0; i < count; i++) {
      const column = x[i]!;
      const row = y[i]!;
      if (column >= width || row >= height) continue;
      const pixel = row * width + column;
      const byte = pixel >> 2;
      const shift = (pixel & 3) << 1;
      pixels[byte] = (pixels[byte]! & ~(3 << shift)) | ((on[i] === 0 ? 1 : 2) << shift);
    }
    this.#events += count;
    this.#micros = origin + t[count - 1]!;
  }

  /** The message of the picture since the last one, and an empty canvas; undefined where nothing was drawn. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#events === 0) return undefined;
    const message = encodePicture({
      camera: this.camera,
      ...this.sensor,
      events: this.#events,
      micros: this.#micros,
      pixels: this.#pixels,
    });
    this.clear();
    return message;
  }

  /** Forgets what was drawn. */
  clear(): void {
    if (this.#events === 0) return;
    this.#pixels.fill(0);
    this.#events = 0;
  }
}
