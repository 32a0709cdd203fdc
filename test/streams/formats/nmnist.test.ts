import { describe, expect, it } from 'vitest';
import { allocateChunk } from '../../../src/events.ts';
import { nmnist } from '../../../src/streams/formats/nmnist.ts';
import { decodeBytes, joinColumns } from '../columns.ts';

const record = (x: number, y: number, on: number, t: number): number[] => [
  x,
  y,
  (on << 7) | (t >> 16),
  (t >> 8) & 255,
  t & 255,
];

describe('N-MNIST records', () => {
  it('hold x, y, polarity and 23 bits of time', () => {
    const bytes = Uint8Array.from([...record(33, 1, 1, 0x123456), ...record(0, 239, 0, 0x7fffff)]);
    const { chunks, decoder } = decodeBytes(nmnist, bytes);
    expect(joinColumns(chunks)).toEqual({ t: [0x123456, 0x7fffff], x: [33, 0], y: [1, 239], on: [1, 0] });
    expect(decoder.sensor).toBeUndefined();
  });

  it('with y = 240 add 2^13 µs to all that follow', () => {
    const bytes = Uint8Array.from([
      ...record(1, 1, 1, 100),
      ...record(0, 240, 0, 0),
      ...record(2, 1, 1, 50),
      ...record(0, 240, 0, 0),
      ...record(0, 240, 0, 0),
      ...record(3, 1, 1, 7),
    ]);
    const { chunks, decoder } = decodeBytes(nmnist, bytes, () => 4);
    expect(joinColumns(chunks).t).toEqual([100, 8192 + 50, 3 * 8192 + 7]);
    expect(decoder.counters).toEqual({ events: 3, backward: 0, outOfRange: 0, skipped: 3 });
  });

  it('may overflow past 2^32', () => {
    const overflow = record(0, 240, 0, 0);
    const count = 600_000;
    const bytes = Buffer.concat([
      Uint8Array.from(record(1, 1, 1, 5)),
      Buffer.alloc(5 * count, Uint8Array.from(overflow)),
      Uint8Array.from([...record(2, 1, 1, 9), ...record(2, 1, 1, 4)]),
    ]);
    const { chunks, decoder } = decodeBytes(nmnist, bytes);
    const last = count * 8192 + 9;
    expect(joinColumns(chunks).t).toEqual([5, last, last]);
    expect(decoder.counters.backward).toBe(1);
  });

  it('outside a given sensor are dropped and counted', () => {
    const bytes = Uint8Array.from([...record(34, 1, 1, 1), ...record(1, 34, 1, 1), ...record(33, 33, 1, 1)]);
    const { chunks, decoder } = decodeBytes(nmnist, bytes, () => 99, { sensor: { width: 34, height: 34 } });
    expect(joinColumns(chunks).x).toEqual([33]);
    expect(decoder.counters.outOfRange).toBe(2);
  });

  it('are written with overflows, and refused where they do not fit', () => {
    const chunk = allocateChunk(2 ** 23 - 1, 3);
    chunk.t.set([0, 1, 20_000]);
    chunk.x.set([1, 255, 3]);
    chunk.y.set([4, 239, 6]);
    chunk.on.set([1, 0, 1]);
    const parts: Uint8Array[] = [];
    nmnist.createEncoder!({ sensor: { width: 256, height: 240 } }).push(chunk, (bytes) => parts.push(bytes));
    const { chunks, decoder } = decodeBytes(nmnist, Buffer.concat(parts));
    expect(joinColumns(chunks)).toEqual(joinColumns([chunk]));
    expect(decoder.counters.skipped).toBe(3);
    chunk.y[1] = 240;
    expect(() => nmnist.createEncoder!({ sensor: { width: 256, height: 256 } }).push(chunk, () => 0)).toThrow(
      'N-MNIST for a sensor of 256x240 holds no event at (255, 240); crop the events first',
    );
  });
});

it('is not written with a silence that would fill a disk', () => {
  const chunk = allocateChunk(1_700_000_000_000_000, 1);
  chunk.t[0] = chunk.x[0] = chunk.y[0] = chunk.on[0] = 0;
  expect(() => nmnist.createEncoder!({ sensor: { width: 34, height: 34 } }).push(chunk, () => 0)).toThrow(
    'N-MNIST files count time from 0, without silences of 34359738368 us; shift the times first',
  );
});

describe('telling N-MNIST', () => {
  const rising = Uint8Array.from(
    Array.from({ length: 200 }, (_, i) => record(i % 34, i % 30, i & 1, 90 * i)).flat(),
  );

  it('takes whole records whose times rise', () => {
    expect(nmnist.sniff(rising, 1000)).toBe(0.5);
    expect(nmnist.sniff(rising.subarray(0, 998))).toBe(0);
    expect(nmnist.sniff(rising.subarray(0, 998), 5_000)).toBe(0.5);
    expect(nmnist.sniff(rising, 1001)).toBe(0);
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['zeros', new Uint8Array(1000)],
    ['text', Buffer.from('0.123 12 13 1\n0.124 14 99 0\n'.repeat(5 * 40))],
    ['rows beyond', Uint8Array.from([...rising.subarray(0, 500), ...record(1, 241, 0, 60_000)])],
    ['times that fall', Uint8Array.from([...rising, ...rising, ...rising, ...rising].reverse())],
  ])('refuses %s', (_, bytes) => {
    expect(nmnist.sniff(bytes, bytes.length)).toBe(0);
  });
});
