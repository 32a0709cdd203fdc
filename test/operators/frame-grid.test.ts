import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import { FrameGrid } from '../../src/operators/index.ts';
import { chunkOf } from './event-cases.ts';

const dvs128 = { width: 128, height: 128 };

describe('FrameGrid', () => {
  it('takes the sensor as it is where nothing else is said', () => {
    const grid = new FrameGrid({ sensor: { width: 3, height: 2 } });
    expect([grid.width, grid.height]).toStrictEqual([3, 2]);
    expect([...grid.columns]).toStrictEqual([0, 1, 2]);
    expect([...grid.rows]).toStrictEqual([0, 1]);
  });

  it('scales 128 pixels to 48 by floor(x * 48 / 128): every column gets 2 or 3, in order', () => {
    const { columns } = new FrameGrid({ sensor: dvs128, frame: { width: 48, height: 48 } });
    expect([...columns.slice(0, 9)]).toStrictEqual([0, 0, 0, 1, 1, 1, 2, 2, 3]);
    expect(columns[127]).toBe(47);
    const pixels = Array.from({ length: 48 }, (_, column) => columns.filter((at) => at === column).length);
    expect(new Set(pixels)).toStrictEqual(new Set([2, 3]));
    expect([...columns]).toStrictEqual(Array.from({ length: 128 }, (_, x) => Math.floor((x * 48) / 128)));
  });

  it('crops first, then scales what is left', () => {
    const grid = new FrameGrid({
      sensor: { width: 8, height: 6 },
      crop: { x: 2, y: 1, width: 4, height: 4 },
      frame: { width: 2, height: 4 },
    });
    expect([...grid.columns]).toStrictEqual([-1, -1, 0, 0, 1, 1, -1, -1]);
    expect([...grid.rows]).toStrictEqual([-1, 0, 1, 2, 3, -1]);
  });

  it.each([
    ['a crop outside the sensor', { crop: { x: 100, y: 0, width: 29, height: 128 } }],
    ['a crop that starts before it', { crop: { x: -1, y: 0, width: 4, height: 4 } }],
    ['an empty crop', { crop: { x: 0, y: 0, width: 0, height: 4 } }],
    ['frames larger than what they show', { frame: { width: 129, height: 128 } }],
    ['a size that is not whole', { frame: { width: 47.5, height: 48 } }],
  ])('refuses %s', (_, options) => {
    expect(() => new FrameGrid({ sensor: dvs128, ...options })).toThrow(OptionError);
  });

  it('counts by row, column and polarity, or by row and column alone', () => {
    const grid = new FrameGrid({ sensor: { width: 2, height: 2 } });
    const chunk = chunkOf([
      { micros: 0, x: 0, y: 0, on: 0 },
      { micros: 1, x: 1, y: 0, on: 1 },
      { micros: 2, x: 0, y: 1, on: 1 },
      { micros: 3, x: 0, y: 1, on: 1 },
      { micros: 4, x: 1, y: 1, on: 0 },
    ]);
    const two = new Float32Array(8);
    expect(grid.count(chunk, 0, 5, two, 2)).toBe(5);
    expect([...two]).toStrictEqual([1, 0, 0, 1, 0, 2, 1, 0]);
    const merged = new Float32Array(4);
    expect(grid.count(chunk, 1, 5, merged, 1)).toBe(4);
    expect([...merged]).toStrictEqual([0, 1, 2, 1]);
  });

  it('leaves out what is outside the crop or the sensor, and says how many it counted', () => {
    const grid = new FrameGrid({
      sensor: { width: 4, height: 4 },
      crop: { x: 1, y: 1, width: 2, height: 2 },
    });
    const chunk = chunkOf(
      [
        [0, 0],
        [1, 1],
        [2, 0],
        [0, 2],
        [3, 3],
        [4, 1],
        [1, 65535],
        [65535, 65535],
      ].map(([x, y], micros) => ({ micros, x: x!, y: y!, on: 1 })),
    );
    const data = new Float32Array(8);
    expect(grid.count(chunk, 0, 8, data, 2)).toBe(1);
    expect([...data]).toStrictEqual([0, 1, 0, 0, 0, 0, 0, 0]);
  });
});
