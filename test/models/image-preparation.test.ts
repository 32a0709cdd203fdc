import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import {
  cifar10Normalisation,
  type ImagePreparation,
  prepareImages,
} from '../../src/models/image-preparation.ts';

const [HEIGHT, WIDTH, CHANNELS] = [6, 5, 3];
const SIZE = HEIGHT * WIDTH * CHANNELS;

/** Images of two steps each, no value twice and none 0. */
const batch = (ids: readonly string[]) => ({
  ids,
  shape: [ids.length, 2, HEIGHT, WIDTH, CHANNELS] as const,
  frames: Float32Array.from({ length: ids.length * 2 * SIZE }, (_, i) => i + 1),
});
const draw = (epoch: number, seed = 7) => ({ seed, epoch });

/** The image moved, and mirrored, as a reader would say it. */
function moved(image: Float32Array, dx: number, dy: number, mirrored: boolean): number[] {
  const at = (y: number, x: number, c: number): number =>
    y < 0 || y >= HEIGHT || x < 0 || x >= WIDTH ? 0 : image[(y * WIDTH + x) * CHANNELS + c]!;
  const pixels: number[] = [];
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const column = mirrored ? WIDTH - 1 - x : x;
      for (let c = 0; c < CHANNELS; c++) pixels.push(at(y - dy, column - dx, c));
    }
  }
  return pixels;
}

describe('preparing images', () => {
  it('cuts each sample at random from its padded self, and mirrors half of them', () => {
    const ids = ['a', 'b', 'c'];
    const given = batch(ids);
    const places = new Set<string>();
    let mirrors = 0;
    for (let epoch = 0; epoch < 60; epoch++) {
      const prepared = prepareImages(given, { crop: 2, flip: 0.5 }, draw(epoch));
      for (let sample = 0; sample < ids.length; sample++) {
        const image = given.frames.subarray(2 * sample * SIZE, (2 * sample + 1) * SIZE);
        const found = [...prepared.subarray(2 * sample * SIZE, (2 * sample + 1) * SIZE)].join();
        const matches = [-2, -1, 0, 1, 2].flatMap((dy) =>
          [-2, -1, 0, 1, 2].flatMap((dx) =>
            [false, true]
              .filter((mirrored) => moved(image, dx, dy, mirrored).join() === found)
              .map((mirrored) => [dy, dx, mirrored] as const),
          ),
        );
        expect(matches).toHaveLength(1);
        const [[dy, dx, mirrored]] = matches as [readonly [number, number, boolean]];
        places.add(`${dy},${dx}`);
        mirrors += mirrored ? 1 : 0;
        // The second step is treated as the first.
        const next = given.frames.subarray((2 * sample + 1) * SIZE, (2 * sample + 2) * SIZE);
        expect([...prepared.subarray((2 * sample + 1) * SIZE, (2 * sample + 2) * SIZE)]).toStrictEqual(
          moved(next, dx, dy, mirrored),
        );
      }
    }
    expect(places.size).toBe(25);
    expect(mirrors / 180).toBeGreaterThan(0.35);
    expect(mirrors / 180).toBeLessThan(0.65);
  });

  it('draws by seed, epoch and id, not by order', () => {
    const options = { crop: 2, flip: 0.5, cutout: 3 };
    const both = prepareImages(batch(['a', 'b']), options, draw(3));
    const { frames, shape } = batch(['a', 'b']);
    const second = { frames: frames.subarray(2 * SIZE), shape: [1, ...shape.slice(1)] as never, ids: ['b'] };
    expect(prepareImages(second, options, draw(3))).toStrictEqual(both.slice(2 * SIZE));
    expect(prepareImages(batch(['a', 'b']), options, draw(4))).not.toStrictEqual(both);
    expect(prepareImages(batch(['a', 'b']), options, draw(3, 8))).not.toStrictEqual(both);
  });

  it('normalises as (byte / 255 - mean) / deviation, in evaluation too, which draws nothing', () => {
    const given = { ...batch(['a']), frames: Float32Array.from({ length: 2 * SIZE }, (_, i) => i % 256) };
    const options: ImagePreparation = { crop: 2, flip: 1, cutout: 4, normalisation: cifar10Normalisation };
    const { mean, deviation } = cifar10Normalisation;
    for (const [i, value] of prepareImages(given, options).entries()) {
      const channel = i % 3;
      expect(value).toBeCloseTo(((i % 256) / 255 - mean[channel]!) / deviation[channel]!, 5);
    }
    // What moves in is black, not the mean.
    const black = (0 - mean[0]!) / deviation[0]!;
    const cropped = prepareImages(given, { crop: 2, normalisation: cifar10Normalisation }, draw(1));
    expect(
      [...cropped].filter((_, i) => i % 3 === 0 && Math.abs(cropped[i]! - black) < 1e-5).length,
    ).toBeGreaterThan(1);
  });

  it('cuts a square out after normalising, smaller only at the edge', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.nat(200), (side, epoch) => {
        const prepared = prepareImages(batch(['a']), { cutout: side }, draw(epoch));
        const zeros: [number, number][] = [];
        for (let y = 0; y < HEIGHT; y++) {
          for (let x = 0; x < WIDTH; x++) if (prepared[(y * WIDTH + x) * CHANNELS] === 0) zeros.push([y, x]);
        }
        const [rows, columns] = [zeros.map(([y]) => y), zeros.map(([, x]) => x)];
        const extent = (places: number[]): number => Math.max(...places) - Math.min(...places) + 1;
        expect(zeros.length).toBe(extent(rows) * extent(columns));
        expect(extent(rows)).toBeLessThanOrEqual(side);
        if (Math.min(...rows) > 0 && Math.max(...rows) < HEIGHT - 1) expect(extent(rows)).toBe(side);
        if (Math.min(...columns) > 0 && Math.max(...columns) < WIDTH - 1) expect(extent(columns)).toBe(side);
      }),
    );
  });

  it('gives the frames themselves where nothing is to be done', () => {
    const given = batch(['a']);
    expect(prepareImages(given, {}, draw(1))).toBe(given.frames);
    expect(prepareImages(given, { crop: 4, flip: 1 })).toBe(given.frames);
  });

  it('refuses a normalisation of other channels', () => {
    const normalisation = { mean: [0.5], deviation: [0.5] };
    expect(() => prepareImages(batch(['a']), { normalisation })).toThrow(OptionError);
  });
});
