import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventCanvas } from '../../src/dashboard/event-canvas.ts';
import { decodePicture, encodePicture, HEADER_BYTES, pixelBytes } from '../../src/dashboard/picture-code.ts';
import type { EventChunk } from '../../src/events.ts';

type Row = readonly [t: number, x: number, y: number, on: number];

function chunk(origin: number, rows: readonly Row[]): EventChunk {
  return {
    origin,
    t: Uint32Array.from(rows, ([t]) => t),
    x: Uint16Array.from(rows, ([, x]) => x),
    y: Uint16Array.from(rows, ([, , y]) => y),
    on: Uint8Array.from(rows, ([, , , on]) => on),
  };
}

/** Pixels that are not empty, as `x,y` with +1 or -1. */
function lit(message: Uint8Array): Map<string, number> {
  const { width, pixels } = decodePicture(message)!;
  const found = new Map<string, number>();
  for (let pixel = 0; pixel < 4 * pixels.length; pixel++) {
    const value = (pixels[pixel >> 2]! >> (2 * (pixel & 3))) & 3;
    if (value !== 0) found.set(`${pixel % width},${Math.floor(pixel / width)}`, value === 2 ? 1 : -1);
  }
  return found;
}

it('draws the last event of every pixel, and nothing outside the sensor', () => {
  const side = fc.integer({ min: 1, max: 37 });
  const rows = fc.array(
    fc.tuple(fc.nat(1e6), fc.nat(40), fc.nat(40), fc.nat(1)).map((row): Row => row),
    { minLength: 1, maxLength: 300 },
  );
  fc.assert(
    fc.property(side, side, rows, (width, height, events) => {
      const canvas = new EventCanvas(3, { width, height });
      canvas.draw(chunk(5e9, events));
      const message = canvas.take()!;
      const expected = new Map<string, number>();
      for (const [, x, y, on] of events) {
        if (x < width && y < height) expected.set(`${x},${y}`, on === 1 ? 1 : -1);
      }
      expect(lit(message)).toEqual(expected);
      expect(decodePicture(message)).toMatchObject({
        camera: 3,
        width,
        height,
        events: events.length,
        micros: 5e9 + events.at(-1)![0],
      });
      expect(canvas.take()).toBeUndefined();
    }),
  );
});

it('gives any pixels back, and is never longer than they are', () => {
  const byte = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(255));
  fc.assert(
    fc.property(fc.array(byte, { minLength: 1, maxLength: 500 }), (bytes) => {
      const pixels = Uint8Array.from(bytes);
      const [width, height] = [4, bytes.length];
      const picture = { camera: 0, width, height, events: 1, micros: 0, pixels };
      const message = encodePicture(picture);
      expect(message.length).toBeLessThanOrEqual(HEADER_BYTES + pixelBytes(width, height));
      expect(decodePicture(message)).toEqual(picture);
    }),
  );
});

it('takes little where little happened: runs over empty rows', () => {
  const canvas = new EventCanvas(0, { width: 1280, height: 720 });
  canvas.draw(
    chunk(0, [
      [0, 0, 0, 1],
      [1, 1279, 719, 0],
    ]),
  );
  const message = canvas.take()!;
  expect(message.length).toBeLessThan(HEADER_BYTES + 10);
  expect(lit(message)).toEqual(
    new Map([
      ['0,0', 1],
      ['1279,719', -1],
    ]),
  );
});

it('refuses what is no picture', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      bytes.fill(0, 5, 6);
      bytes.fill(0, 7, 8); // sizes below 256
      const picture = decodePicture(bytes);
      if (picture !== undefined)
        expect(picture.pixels.length).toBe(pixelBytes(picture.width, picture.height));
    }),
  );
});
