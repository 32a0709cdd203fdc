import { describe, expect, it } from 'vitest';
import { filters } from '../../../src/operators/index.ts';
import { runStage } from '../event-cases.ts';
import { reference, referenceChunk } from '../reference.ts';
import { rowsOf } from './filter-cases.ts';

const { sensor } = reference;

describe('the filters of the reference', () => {
  it.each(Object.entries(reference.kept))('%s keeps the same events', (text, kept) => {
    const chunk = referenceChunk();
    const rows = rowsOf([chunk]);
    expect(rowsOf(runStage(filters.parseFilter(text).create(sensor), [chunk]))).toStrictEqual(
      kept.map((i) => rows[i]!),
    );
  });

  it('integrate gives the same events', () => {
    const filter = filters.parseFilter('integrate:width=6,height=5,micros=2000,threshold=2');
    expect(rowsOf(runStage(filter.create(sensor), [referenceChunk()]))).toStrictEqual(reference.integrated);
  });

  it('finds the same hot pixels', () => {
    const counts = new filters.PixelCounts(sensor);
    counts.push(referenceChunk());
    const found = counts.above(300).map(({ x, y }) => [x, y]);
    expect(found.length).toBeGreaterThan(3);
    expect(found.sort()).toStrictEqual([...reference.hotPixels].sort());
  });
});
