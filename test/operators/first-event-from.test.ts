import fc from 'fast-check';
import { expect, it } from 'vitest';
import { firstEventFrom } from '../../src/operators/index.ts';

it('firstEventFrom finds what a search one by one finds', () => {
  const times = fc.array(fc.nat(40), { maxLength: 30 }).map((t) => Uint32Array.from(t).sort());
  fc.assert(
    fc.property(times, fc.double({ min: -5, max: 45, noNaN: true }), fc.nat(30), (t, time, at) => {
      const start = Math.min(at, t.length);
      const found = t.findIndex((value, i) => i >= start && value >= time);
      expect(firstEventFrom(t, time, start)).toBe(found < 0 ? t.length : found);
    }),
  );
});
