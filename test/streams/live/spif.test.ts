import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateChunk, type EventChunk } from '../../../src/events.ts';
import { SpifDecoder, SpifEncoder, type SpifEncoding } from '../../../src/streams/live/spif.ts';

type Row = [micros: number, x: number, y: number, on: number];
const sensor = { width: 640, height: 480 };

function chunkOf(rows: readonly Row[], origin = 0): EventChunk {
  const chunk = allocateChunk(origin, rows.length);
  rows.forEach(([micros, x, y, on], i) => {
    chunk.t[i] = micros - origin;
    chunk.x[i] = x;
    chunk.y[i] = y;
    chunk.on[i] = on;
  });
  return chunk;
}

function encode(rows: readonly Row[], encoding: SpifEncoding, origin = 0): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  const encoder = new SpifEncoder(encoding);
  encoder.push(chunkOf(rows, origin), (datagram) => datagrams.push(datagram));
  encoder.end((datagram) => datagrams.push(datagram));
  return datagrams;
}

function decode(datagrams: readonly Uint8Array[], arrival = 0): { rows: Row[]; decoder: SpifDecoder } {
  const decoder = new SpifDecoder(sensor);
  const rows: Row[] = [];
  for (const datagram of datagrams) decoder.decode(datagram, arrival, (...row) => rows.push(row));
  return { rows, decoder };
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
        const { rows: decoded, decoder } = decode(encode(rows, { timestamps, eventsPerDatagram: size }), 9);
        expect(decoded).toEqual(timestamps ? rows : rows.map(([, x, y, on]) => [9, x, y, on]));
        expect(decoder.counters).toMatchObject({ malformed: 0, received: rows.length, backward: 0 });
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
    const { rows, decoder } = decode([datagram], 7);
    expect(rows).toEqual([
      [1000, 1, 2, 1],
      [1000, 3, 4, 0],
      [1500, 5, 6, 0],
    ]);
    expect(decoder.counters.untimed).toBe(1);
  });

  it('counts malformed datagrams and takes nothing of them', () => {
    const bad = [new Uint8Array(0), new Uint8Array(3), words(0x8001_0001, 0x0001_0001), new Uint8Array(9)];
    const { rows, decoder } = decode([...bad, words(0x8001_0001)]);
    expect(rows).toHaveLength(1);
    expect(decoder.counters).toMatchObject({ datagrams: 5, malformed: 4, received: 1 });
  });

  it('drops and counts events outside the sensor, and does not believe their time', () => {
    const { rows, decoder } = decode([words(0x0001_0001, 10, 0x7fff_0001, 4_000_000, 0x0002_0002, 20)]);
    expect(rows.map(([micros]) => micros)).toEqual([10, 20]);
    expect(decoder.counters).toMatchObject({ received: 3, outOfRange: 1, backward: 0 });
  });

  it('takes any bytes without a throw, in sorted time and inside the sensor', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (datagrams) => {
        const { rows, decoder } = decode(datagrams);
        const { received, outOfRange, datagrams: count } = decoder.counters;
        expect(count).toBe(datagrams.length);
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
