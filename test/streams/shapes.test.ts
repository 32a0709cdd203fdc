import { describe, expect, it } from 'vitest';
import { shapeImage, shapeNames, shapeToken } from '../../src/streams/shapes.ts';

describe('shapeImage', () => {
  it('draws ten classes in turn, the same for the same index and seed', () => {
    expect(shapeNames).toHaveLength(10);
    const images = Array.from({ length: 20 }, (_, index) => shapeImage(index, { seed: 5 }));
    expect(images.map(({ label }) => label)).toEqual([...Array(10).keys(), ...Array(10).keys()]);
    expect(new Set(images.map(({ id }) => id)).size).toBe(20);
    for (const [index, image] of images.entries()) {
      expect(image).toMatchObject({ ...shapeToken(index), width: 64, height: 64, channels: 1 });
      expect(shapeImage(index, { seed: 5 })).toEqual(image);
      expect(shapeImage(index, { seed: 6 }).pixels).not.toEqual(image.pixels);
    }
    expect(shapeImage(3, { size: { width: 40, height: 30 } }).pixels).toHaveLength(1200);
  });

  it('varies place, size and contrast alike in every class', () => {
    for (const [label, name] of shapeNames.entries()) {
      const facts = Array.from({ length: 200 }, (_, i) => describeShape(shapeImage(label + 10 * i).pixels));
      const mean = (pick: (fact: (typeof facts)[number]) => number): number =>
        facts.reduce((sum, fact) => sum + pick(fact), 0) / facts.length;
      // A crescent's weight is beside the middle of its outline.
      expect(Math.abs(mean(({ x }) => x) - 31.5), name).toBeLessThan(8);
      expect(Math.abs(mean(({ y }) => y) - 31.5), name).toBeLessThan(8);
      const brighter = mean(({ bright }) => Number(bright));
      expect(brighter, name).toBeGreaterThan(0.4);
      expect(brighter, name).toBeLessThan(0.6);
      const sizes = facts.map(({ extent }) => extent);
      expect(Math.max(...sizes) / Math.min(...sizes), name).toBeGreaterThan(1.6);
    }
  });
});

/** Centre of gravity, side of the bounding box, and sign of the contrast of the one shape in a 64 x 64 picture. */
function describeShape(pixels: Uint8Array): { x: number; y: number; extent: number; bright: boolean } {
  const background = pixels[pixels[0] === pixels[63] ? 0 : 64 * 63]!;
  const xs: number[] = [];
  const ys: number[] = [];
  let contrast = 0;
  for (let i = 0; i < pixels.length; i++) {
    if (pixels[i] === background) continue;
    contrast += pixels[i]! - background;
    xs.push(i % 64);
    ys.push(i >> 6);
  }
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return { x: mean(xs), y: mean(ys), extent: Math.max(...xs) - Math.min(...xs) + 1, bright: contrast > 0 };
}
