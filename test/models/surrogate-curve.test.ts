import { describe, expect, it } from 'vitest';
import { surrogateCurve } from '../../src/models/surrogate-curve.ts';
import * as surrogates from '../../src/models/surrogates.ts';

const { surrogatePresets } = surrogates;

describe('the presets', () => {
  it('are all the surrogates that there are by name', () => {
    const made = Object.values(surrogates)
      .filter((value) => typeof value === 'function')
      .map(String);
    expect(Object.values(surrogatePresets).map(String).sort()).toStrictEqual(made.sort());
  });

  it.each(Object.keys(surrogatePresets))('%s is drawn', (name) => {
    const { x, value, derivative, peak, area } = surrogateCurve(surrogatePresets[name]!(), 2, 41);
    expect([x[0], x[20], x.at(-1)]).toStrictEqual([-2, 0, 2]);
    for (const number of [...value, ...derivative, peak, area]) expect(Number.isFinite(number)).toBe(true);
    // Between two points the function gains what its derivative says.
    expect(value.at(-1)! - value[0]!).toBeCloseTo(area, 8);
  });
});

describe('a curve', () => {
  const { atan, sigmoid, rectangular, triangle } = surrogates;

  it('is the function that has the derivative, 1/2 at the threshold', () => {
    const at = (surrogate: surrogates.Surrogate, x: number): number => {
      const curve = surrogateCurve(surrogate, 2, 401);
      return curve.value[curve.x.findIndex((each) => Math.abs(each - x) < 1e-9)]!;
    };
    for (const x of [-2, -0.5, 0, 1]) {
      expect(at(atan(2), x)).toBeCloseTo(Math.atan(Math.PI * x) / Math.PI + 0.5, 5);
      expect(at(sigmoid(4), x)).toBeCloseTo(1 / (1 + Math.exp(-4 * x)), 5);
    }
    expect(at(rectangular(), 0.25)).toBeCloseTo(0.75, 6);
    expect(at(triangle(), -0.5)).toBeCloseTo(0.125, 5);
  });

  it('has its peak and its area', () => {
    expect(surrogateCurve(triangle(), 2, 401)).toMatchObject({ peak: 1, area: expect.closeTo(1, 5) });
    expect(surrogateCurve(rectangular(0.5), 2, 401)).toMatchObject({ peak: 2, area: expect.closeTo(1, 5) });
  });
});
