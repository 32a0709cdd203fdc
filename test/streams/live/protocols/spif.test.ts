import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spif } from '../../../../src/streams/live/protocols/spif.ts';
import { chunkOf, Decoding, encode as encodeWith, type Row, anySensor as sensor } from './decoding.ts';

interface Encoding {
  readonly timestamps: boolean;
  readonly eventsPerPacket?: number;
}

function encode(rows: readonly Row[], encoding: Encoding, origin = 0): Uint8Array[] {
  return encodeWith(spif, [chunkOf(rows, origin)], { sensor, carrier: 'datagrams', ...encoding });
}

function decode(datagrams: readonly Uint8Array[], arrival = 0) {
  const decoding = new Decoding(spif, 'datagrams', { sensor });
  decoding.push(datagrams, arrival);
  return { rows: decoding.rows(), counters: decoding.tally.read() };
}

function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  values.forEach((value, i) => {
    new DataView(bytes.buffer).setUint32(4 * i, value, true);
  });
  return bytes;
}

const row = fc.tuple(
  fc.nat(1_000_000),
  fc.nat(sensor.width - 1),
  fc.nat(sensor.height - 1),
  fc.nat(1),
) as fc.Arbitrary<Row>;
const sortedRows = fc.array(row, { maxLength: 300 }).map((rows) => rows.sort((a, b) => a[0] - b[0]));

describe('SPIF datagrams', () => {
  it('has the layout of the boards: time bit, x, polarity, y, little-endian', () => {
    const timed = encode([[0x01020304, 0x155, 0xaa, 1]], { timestamps: true });
    expect([...timed[0]!]).toEqual([0xaa, 0x80, 0x55, 0x01, 0x04, 0x03, 0x02, 0x01]);
    const untimed = encode([[77, 0x155, 0xaa, 0]], { timestamps: false });
    expect([...untimed[0]!]).toEqual([0xaa, 0x00, 0x55, 0x81]);
  });

  it('fills datagrams as AEStream does: 32 events with time in 256 bytes, 128 without in 512', () => {
    const rows = Array.from({ length: 300 }, (_, i): Row => [i, 1, 2, 0]);
    expect(encode(rows, { timestamps: true }).map((d) => d.length)).toEqual([...Array(9).fill(256), 96]);
    expect(encode(rows, { timestamps: false }).map((d) => d.length)).toEqual([512, 512, 176]);
  });

  it('decodes what was encoded', () => {
    fc.assert(
      fc.property(sortedRows, fc.boolean(), fc.integer({ min: 1, max: 50 }), (rows, timestamps, size) => {
        const { rows: decoded, counters } = decode(encode(rows, { timestamps, eventsPerPacket: size }), 9);
        expect(decoded).toEqual(timestamps ? rows : rows.map(([, x, y, on]) => [9, x, y, on]));
        expect(counters).toMatchObject({ malformed: 0, received: rows.length, backward: 0 });
      }),
    );
  });

  it('sends the low 32 bits of long times, which come back as a shifted clock', () => {
    const start = 1_718_000_000_000_000;
    const rows: Row[] = [0, 10, 4_000_000].map((t): Row => [start + t, 1, 2, 1]);
    const decoded = decode(encode(rows, { timestamps: true }, start)).rows;
    expect(decoded.map(([micros]) => micros - decoded[0]![0])).toEqual([0, 10, 4_000_000]);
  });

  it('reads timed and untimed words in one datagram', () => {
    const datagram = words(0x0001_8002, 1000, 0x8003_0004, 0x0005_0006, 1500);
    const { rows, counters } = decode([datagram], 7);
    expect(rows).toEqual([
      [1000, 1, 2, 1],
      [1000, 3, 4, 0],
      [1500, 5, 6, 0],
    ]);
    expect(counters.untimed).toBe(1);
  });

  it('counts malformed datagrams and takes nothing of them', () => {
    const bad = [new Uint8Array(0), new Uint8Array(3), words(0x8001_0001, 0x0001_0001), new Uint8Array(9)];
    const { rows, counters } = decode([...bad, words(0x8001_0001)]);
    expect(rows).toHaveLength(1);
    expect(counters).toMatchObject({ malformed: 4, received: 1 });
  });

  it('drops and counts events outside the sensor, and does not believe their time', () => {
    const { rows, counters } = decode([words(0x0001_0001, 10, 0x7fff_0001, 4_000_000, 0x0002_0002, 20)]);
    expect(rows.map(([micros]) => micros)).toEqual([10, 20]);
    expect(counters).toMatchObject({ received: 3, outOfRange: 1, backward: 0 });
  });

  it('takes any bytes without a throw, in sorted time and inside the sensor', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (datagrams) => {
        const { rows, counters } = decode(datagrams);
        const { received, outOfRange } = counters;
        expect(rows).toHaveLength(received - outOfRange);
        for (const [i, [micros, x, y]] of rows.entries()) {
          expect(micros).toBeGreaterThanOrEqual(i === 0 ? 0 : rows[i - 1]![0]);
          expect(x < sensor.width && y < sensor.height).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('does not cut coordinates that do not fit 15 bits', () => {
    expect(() => encode([[0, 40000, 1, 0]], { timestamps: true })).toThrow(
      'SPIF: expected coordinates up to 32767',
    );
  });
});
