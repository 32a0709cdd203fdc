import { expect, it } from 'vitest';
import { shiftFrames } from '../../src/models/augmentation.ts';

const shape = [2, 2, 4, 5, 2] as const;
const frames = Float32Array.from({ length: 2 * 2 * 4 * 5 * 2 }, (_, i) => i + 1);
const at = (values: Float32Array, b: number, t: number, y: number, x: number, c: number): number =>
  y < 0 || y >= 4 || x < 0 || x >= 5 ? 0 : values[(((b * 2 + t) * 4 + y) * 5 + x) * 2 + c]!;

it('moves each sample as a whole, zeros moving in, by its id', () => {
  const seen = new Set<string>();
  for (let epoch = 0; epoch < 40; epoch++) {
    const ids = ['first', 'second'];
    const shifted = shiftFrames({ frames, shape, ids }, { pixels: 2 }, 7, epoch);
    for (const b of [0, 1]) {
      const shift = [-2, -1, 0, 1, 2]
        .flatMap((dy) => [-2, -1, 0, 1, 2].map((dx) => [dy, dx] as const))
        .filter(([dy, dx]) =>
          Array.from({ length: 80 }, (_, i) => i).every((i) => {
            const [t, y, x, c] = [Math.floor(i / 40), Math.floor(i / 10) % 4, Math.floor(i / 2) % 5, i % 2];
            return at(shifted, b, t, y, x, c) === at(frames, b, t, y - dy, x - dx, c);
          }),
        );
      expect(shift).toHaveLength(1);
      seen.add(`${shift[0]}`);
    }
    const swapped = shiftFrames({ frames, shape, ids: ['second', 'first'] }, { pixels: 2 }, 7, epoch);
    const alone = shiftFrames(
      { frames: frames.subarray(80), shape: [1, 2, 4, 5, 2], ids: ['first'] },
      { pixels: 2 },
      7,
      epoch,
    );
    expect(swapped.subarray(80)).toStrictEqual(alone);
  }
  expect(seen.size).toBeGreaterThan(15);
});

it('leaves frames alone that are not to move, and survives shifts beyond them', () => {
  const batch = { frames, shape, ids: ['a', 'b'] };
  expect(shiftFrames(batch, { pixels: 0 }, 1, 0)).toStrictEqual(frames);
  for (let epoch = 0; epoch < 20; epoch++) {
    expect(shiftFrames(batch, { pixels: 30 }, 1, epoch)).toHaveLength(frames.length);
  }
});
