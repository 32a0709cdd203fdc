import type { PageHeader } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { checkLevelRuns, checkPageRuns } from '../../../../src/streams/formats/parquet/runs.ts';

const header = (values: number, encoding: string): PageHeader =>
  ({ data_page_header: { num_values: values, encoding } }) as never;
const check = (bytes: number[], values: number, level = 0): void =>
  checkPageRuns(Uint8Array.from(bytes), header(values, 'RLE_DICTIONARY'), level, false);

describe('runs of a page', () => {
  it('may be equal values and packed values, filled up to eight', () => {
    // Width 3; five equal values, then one group of eight packed in three bytes.
    expect(() => check([3, 10, 6, 3, 1, 2, 3], 11)).not.toThrow();
    // With levels: a length of two bytes, one run of eleven.
    expect(() => check([2, 0, 0, 0, 22, 1, 3, 10, 6, 3, 1, 2, 3], 11, 1)).not.toThrow();
  });

  it('claim no more values than the page has', () => {
    expect(() => check([3, 24, 6], 11)).toThrow(/at most 11 values/);
    expect(() => check([3, 0xfe, 0xff, 0xff, 0xff, 0x0f, 6], 11)).toThrow(/at most 11 values/);
    expect(() => check([3, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0], 11)).toThrow(/at most 11 values/);
    expect(() => check([3, 0, 0, 0], 11)).toThrow(/found 0/);
    expect(() => check([60, 10, 6], 5)).toThrow(/at most 32 bits/);
    expect(() => check([0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0x0f, 1], 4, 1)).toThrow(/at most 4 values/);
  });

  it('are checked in levels that lie before the packed values', () => {
    const second = (values: number): PageHeader =>
      ({ data_page_header_v2: { num_values: values, repetition_levels_byte_length: 0 } }) as never;
    expect(() => checkLevelRuns(Uint8Array.of(22, 1), second(11), 1)).not.toThrow();
    expect(() => checkLevelRuns(Uint8Array.of(22, 1), second(10), 1)).toThrow(/at most 10 values/);
  });
});
