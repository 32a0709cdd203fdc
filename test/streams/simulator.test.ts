import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import { CHUNK_EVENTS, type LabelledImage } from '../../src/events.ts';
import { createScene } from '../../src/streams/scene.ts';
import { DvsSimulator, type SimulatorOptions, simulateEvents } from '../../src/streams/simulator.ts';
import { type Columns, joinColumns } from './columns.ts';

const sensor = { width: 24, height: 18 };
/** A sensor without faults. */
const ideal: SimulatorOptions = {
  sensor,
  amplitudePixels: 1.5,
  thresholdDeviation: 0,
  refractoryMicros: 0,
  noiseHz: 0,
};

function picture(
  width: number,
  height: number,
  grey: (x: number, y: number) => number,
  id = 'picture',
): LabelledImage {
  const pixels = Uint8Array.from({ length: width * height }, (_, i) =>
    grey(i % width, Math.floor(i / width)),
  );
  return { id, label: 0, width, height, channels: 1, pixels };
}

const flat = picture(32, 32, () => 90);
const edge = (contrast: number): LabelledImage =>
  picture(64, 48, (x) => (x < 32 ? 60 * Math.exp(-contrast / 2) : 60 * Math.exp(contrast / 2)));

/** Events of a simulation; `joinColumns` fails where they are not sorted. */
const events = (image: LabelledImage, options: SimulatorOptions): Columns =>
  joinColumns([...simulateEvents(image, options)]);

/** Random pictures of a few grey levels. */
const pictures = fc
  .record({ width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 40 }), seed: fc.nat() })
  .map(({ width, height, seed }) =>
    picture(width, height, (x, y) => (Math.imul(x * 7 + y * 13 + seed, 2654435761) >>> 24) & 0xe0),
  );

describe('simulateEvents', () => {
  it('gives the same events for the same picture, options and seed, sorted and inside the sensor', () => {
    fc.assert(
      fc.property(
        pictures,
        fc.nat(),
        fc.double({ min: 0.1, max: 2.5, noNaN: true }),
        (image, seed, loops) => {
          const options = { sensor, seed, loops, noiseHz: 20 };
          const found = events(image, options);
          expect(events(image, options)).toEqual(found);
          expect(found.t.at(-1) ?? 0).toBeLessThanOrEqual(Math.round(loops * 200_000));
          expect(Math.max(0, ...found.x)).toBeLessThan(sensor.width);
          expect(Math.max(0, ...found.y)).toBeLessThan(sensor.height);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('draws mismatch from the seed, noise from the seed and the image', () => {
    const image = edge(1);
    const quiet = { sensor, noiseHz: 0 };
    expect(events(image, { ...quiet, seed: 1 })).not.toEqual(events(image, { ...quiet, seed: 2 }));
    expect(events({ ...image, id: 'other' }, quiet)).toEqual(events(image, quiet));
    expect(events({ ...image, id: 'other' }, { sensor, noiseHz: 50 })).not.toEqual(
      events(image, { sensor, noiseHz: 50 }),
    );
  });

  it('sees nothing in a flat picture, and nothing in one that stands still', () => {
    expect(events(flat, { ...ideal, thresholdDeviation: 0.1 }).t).toEqual([]);
    expect(events(edge(2), { ...ideal, amplitudePixels: 0 }).t).toEqual([]);
  });

  it('fires more the higher the contrast, as often ON as OFF over whole loops', () => {
    let before = -1;
    for (const contrast of [0, 0.3, 0.6, 1.2, 2.4]) {
      const { t, on } = events(edge(contrast), ideal);
      expect(t.length).toBeGreaterThan(before);
      before = t.length;
      const ons = on.filter((bit) => bit === 1).length;
      expect(Math.abs(ons - (t.length - ons))).toBeLessThanOrEqual(2 * sensor.height);
    }
  });

  it('fires ON where a brighter part moves in', () => {
    // On the first path the picture moves right and up: the dark left half covers the bright right one.
    const { on } = events(edge(1.5), { ...ideal, loops: 0.25 });
    expect(on.length).toBeGreaterThan(0);
    expect(new Set(on)).toEqual(new Set([0]));
    const back = events(edge(1.5), { ...ideal, loops: 0.75 });
    expect(back.on.at(-1)).toBe(1);
  });

  it('keeps the sum of its events within a threshold of the true log intensity', () => {
    const options = fc.record({
      loops: fc.double({ min: 0.05, max: 1.5, noNaN: true }),
      threshold: fc.double({ min: 0.05, max: 0.6, noNaN: true }),
    });
    fc.assert(
      fc.property(pictures, options, (image, { loops, threshold }) => {
        const amplitude = 1.25;
        const found = events(image, { ...ideal, amplitudePixels: amplitude, loops, threshold });
        const net = new Float64Array(sensor.width * sensor.height);
        for (let i = 0; i < found.t.length; i++) {
          net[found.y[i]! * sensor.width + found.x[i]!]! += found.on[i] === 1 ? threshold : -threshold;
        }
        const scene = createScene(image, sensor, amplitude, 12);
        const start = new Float32Array(net.length);
        const end = new Float32Array(net.length);
        scene.sample(start, -amplitude, 0);
        // The diamond: left, top, right, bottom, each a quarter of the loop from the last.
        const corners = [
          [-1, 0],
          [0, -1],
          [1, 0],
          [0, 1],
          [-1, 0],
        ] as const;
        const phase = (loops * 4) % 4;
        const [from, to] = [corners[Math.floor(phase)]!, corners[Math.floor(phase) + 1]!];
        const along = phase % 1;
        const mix = (axis: 0 | 1): number => amplitude * (from[axis] + (to[axis] - from[axis]) * along);
        scene.sample(end, mix(0), mix(1));
        const farthest = net.reduce((most, sum, i) => Math.max(most, Math.abs(start[i]! + sum - end[i]!)), 0);
        expect(farthest).toBeLessThan(threshold + 1e-4);
      }),
      { numRuns: 30 },
    );
  });

  it('spreads the crossings of a step evenly in time', () => {
    // One step a path: eight thresholds are crossed while the log intensity moves in a straight line.
    const { t, x, y } = events(edge(2), { ...ideal, stepPixels: 100, loops: 0.25, threshold: 0.1 });
    const column = x[0]!;
    const row = y[0]!;
    const times = t.filter((_, i) => x[i] === column && y[i] === row);
    expect(times.length).toBeGreaterThan(2);
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
  });

  it('leaves a pixel blind for its refractory time, noise included', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60_000 }), (refractoryMicros) => {
        const found = events(edge(2), { sensor, refractoryMicros, noiseHz: 30, loops: 1 });
        const last = new Map<number, number>();
        let shortest = Number.POSITIVE_INFINITY;
        for (let i = 0; i < found.t.length; i++) {
          const pixel = found.y[i]! * sensor.width + found.x[i]!;
          shortest = Math.min(shortest, found.t[i]! - (last.get(pixel) ?? Number.NEGATIVE_INFINITY));
          last.set(pixel, found.t[i]!);
        }
        expect(shortest).toBeGreaterThanOrEqual(refractoryMicros);
      }),
      { numRuns: 20 },
    );
  });

  it('adds background activity at its rate, over all pixels and both polarities', () => {
    const { t, x, on } = events(flat, { ...ideal, noiseHz: 10, loops: 20 });
    const expected = 10 * 4 * sensor.width * sensor.height;
    expect(Math.abs(t.length - expected)).toBeLessThan(4 * Math.sqrt(expected));
    expect(Math.abs(on.filter((bit) => bit === 1).length - expected / 2)).toBeLessThan(
      4 * Math.sqrt(expected),
    );
    expect(new Set(x).size).toBe(sensor.width);
    expect(t.filter((time) => time < 2_000_000).length / t.length).toBeCloseTo(0.5, 1);
  });

  it('scatters thresholds between pixels by the deviation that is asked for', () => {
    const image = edge(2);
    const spread = (thresholdDeviation: number): number => {
      const { y } = events(image, { ...ideal, thresholdDeviation, loops: 0.25, threshold: 0.1 });
      const rows = new Array<number>(sensor.height).fill(0);
      for (const row of y) rows[row]!++;
      return Math.max(...rows) - Math.min(...rows);
    };
    expect(spread(0)).toBe(0);
    expect(spread(0.03)).toBeGreaterThan(2);
  });

  it('fills chunks, takes colours by their brightness, and any shape of picture', () => {
    const noisy = [...simulateEvents(flat, { ...ideal, noiseHz: 1000, loops: 1 })];
    expect(noisy.length).toBeGreaterThan(3);
    for (const chunk of noisy.slice(0, -1)) expect(chunk.t).toHaveLength(CHUNK_EVENTS);

    const grey = edge(1);
    const colour = { ...grey, channels: 3, pixels: Uint8Array.from(grey.pixels, (_, i) => i).fill(0) };
    const pixels = new Uint8Array(3 * grey.pixels.length);
    for (let i = 0; i < pixels.length; i++) pixels[i] = grey.pixels[Math.floor(i / 3)]!;
    const same = events({ ...colour, pixels }, ideal);
    expect(Math.abs(same.t.length - events(grey, ideal).t.length)).toBeLessThan(0.02 * same.t.length);

    for (const [width, height] of [
      [1, 1],
      [1, 300],
      [700, 3],
      [500, 400],
    ] as const) {
      events(
        picture(width, height, (x, y) => (x * y) & 255),
        { ...ideal, loops: 1 },
      );
    }
  });

  it('refuses options that make no sense', () => {
    for (const options of [
      { loops: 0 },
      { loops: Number.NaN },
      { threshold: -1 },
      { noiseHz: -1 },
      { stepPixels: 0 },
      { sensor: { width: 0, height: 4 } },
      { sensor: { width: 4.5, height: 4 } },
      { loopMicros: 2 ** 32, loops: 1 },
    ]) {
      expect(() => new DvsSimulator(options)).toThrow(OptionError);
    }
  });
});

describe('createScene', () => {
  it('shifts a ramp by parts of a pixel, and covers the sensor from the centre', () => {
    // Where intensity grows exponentially, its logarithm is a straight line.
    const ramp = picture(96, 72, (x) => 40 * Math.exp(x / 80));
    const scene = createScene(ramp, sensor, 2, 1e-6);
    const still = new Float32Array(sensor.width * sensor.height);
    const moved = new Float32Array(still.length);
    scene.sample(still, 0, 0);
    scene.sample(moved, 0.75, -0.5);
    const slope = 4 / 80;
    for (let x = 4; x < 20; x++) {
      const at = 9 * sensor.width + x;
      expect(still[at]! - Math.log(40)).toBeCloseTo((4 * x + 1.5) / 80, 1);
      expect(moved[at]! - still[at]!).toBeCloseTo(-0.75 * slope, 1);
    }
    const tall = picture(24, 100, (_, y) => (y >= 41 && y < 59 ? 200 : 0));
    createScene(tall, sensor, 0, 1).sample(still, 0, 0);
    expect(Math.min(...still.subarray(sensor.width, still.length - sensor.width))).toBeGreaterThan(
      Math.log(180),
    );
  });
});
