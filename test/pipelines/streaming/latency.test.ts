import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencyHistogram } from '../../../pipelines/streaming/latency.ts';

describe('LatencyHistogram', () => {
  it('gives quantiles to one percent', () => {
    const times = fc.array(fc.double({ min: 0.01, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(times, fc.double({ min: 0, max: 1, noNaN: true }), (millis, share) => {
        const histogram = new LatencyHistogram();
        for (const time of millis) histogram.add(time);
        const sorted = millis.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
        const found = histogram.quantile(share);
        expect(found).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
        expect(found).toBeLessThanOrEqual(exact * 1.0101);
        expect(histogram.count).toBe(millis.length);
      }),
    );
  });

  it('says nothing of nothing, and forgets', () => {
    const histogram = new LatencyHistogram();
    expect([histogram.quantile(0.5), histogram.summary()]).toEqual([0, undefined]);
    for (const millis of [0, 1, 2, 3, 1e12]) histogram.add(millis);
    expect(histogram.summary()).toMatchObject({ max: 1e12 });
    histogram.clear();
    expect([histogram.count, histogram.summary()]).toEqual([0, undefined]);
  });
});
