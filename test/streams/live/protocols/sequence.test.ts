import { describe, expect, it } from 'vitest';
import { SequenceNumbers } from '../../../../src/streams/live/protocols/sequence.ts';
import { Tally } from '../../../../src/streams/live/tally.ts';

function follow(numbers: readonly number[]) {
  const tally = new Tally();
  const sequence = new SequenceNumbers(tally);
  const taken = numbers.filter((number) => sequence.take(number));
  const { lost, late, duplicates } = tally.read();
  return { taken, lost, late, duplicates };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('SequenceNumbers', () => {
  it('begins with any number', () => {
    expect(follow(range(7000, 7010))).toMatchObject({ lost: 0, late: 0, duplicates: 0 });
  });

  it('counts what is missing, and no longer what comes late', () => {
    expect(follow([1, 2, 5, 6, 4, 7])).toEqual({
      taken: [1, 2, 5, 6, 4, 7],
      lost: 1,
      late: 1,
      duplicates: 0,
    });
  });

  it('refuses what comes twice', () => {
    expect(follow([1, 2, 2, 3, 1, 4])).toEqual({ taken: [1, 2, 3, 4], lost: 0, late: 0, duplicates: 2 });
  });

  it('sees that a sender has begun again, soon where few numbers were used', () => {
    const far = follow([...range(0, 5000), ...range(0, 100)]);
    expect([far.taken.length, far.lost]).toEqual([5100, 0]);
    const near = follow([...range(0, 200), ...range(0, 200)]);
    expect(near.taken.length).toBeGreaterThanOrEqual(200 + 200 - 32);
    expect(near.lost).toBe(0);
  });

  it('does not count a nonsense number as a million lost', () => {
    const { lost, taken } = follow([1, 2, 2 ** 40, 3, 4, 5]);
    expect(taken).toEqual([1, 2, 2 ** 40, 3, 4, 5]);
    expect(lost).toBe(0);
  });
});
