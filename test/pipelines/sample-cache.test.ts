import { describe, expect, it } from 'vitest';
import { SampleCache } from '../../pipelines/training/sample-cache.ts';
import type { Sample } from '../../src/events.ts';

function sample(id: string, values: number[]): Sample {
  return {
    id,
    label: 1,
    frames: Float32Array.from(values),
    shape: [1, 1, values.length, 1],
    length: 1,
    binMicros: 7,
  };
}

describe('SampleCache', () => {
  it('gives back what it was given, counts packed into bytes', () => {
    const cache = new SampleCache(1000);
    const counts = sample('counts', [0, 1, 255, 3]);
    cache.put(counts);
    expect(cache.get('counts')).toStrictEqual(counts);
    expect(cache.bytes).toBe(4);
    for (const [index, values] of [
      [0.5, 1],
      [-1, 2],
      [256, 3],
      [Number.NaN, 0],
    ].entries()) {
      const exact = sample(`exact-${index}`, values);
      cache.put(exact);
      expect(cache.get(exact.id)).toStrictEqual(exact);
    }
    expect(cache.bytes).toBe(4 + 3 * 8 + 2 * 2);
    expect(cache.get('unknown')).toBeUndefined();
  });

  it('keeps within its budget, and says what would have been needed', () => {
    const cache = new SampleCache(10);
    for (const id of ['a', 'b', 'c']) cache.put(sample(id, [1, 2, 3, 4]));
    cache.put(sample('a', [1, 2, 3, 4]));
    expect(['a', 'b', 'c'].map((id) => cache.get(id)?.id)).toStrictEqual(['a', 'b', undefined]);
    expect([cache.bytes, cache.wantedBytes]).toStrictEqual([8, 12]);
  });
});
