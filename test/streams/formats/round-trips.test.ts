import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocateChunk, type EventChunk, type SensorSize } from '../../../src/events.ts';
import { dat, dat1, type EventFormat, eventStream, evt2, evt3 } from '../../../src/streams/formats/index.ts';
import { decodeBytes, joinColumns } from '../columns.ts';

interface Writer {
  readonly format: EventFormat;
  readonly sensor: SensorSize;
  /** Longest silence within and before the events. */
  readonly longestMicros: number;
}

const writers: readonly Writer[] = [
  { format: evt2, sensor: { width: 2048, height: 2048 }, longestMicros: 2 ** 35 },
  { format: evt3, sensor: { width: 2048, height: 2048 }, longestMicros: 2 ** 27 },
  { format: dat, sensor: { width: 16384, height: 16384 }, longestMicros: 2 ** 31 },
  { format: dat1, sensor: { width: 512, height: 256 }, longestMicros: 2 ** 31 },
  { format: eventStream, sensor: { width: 65535, height: 65535 }, longestMicros: 2 ** 22 },
];

/** Events in chunks of other origins: mostly at one time and in rows, with silences. */
function events({ sensor, longestMicros }: Writer): fc.Arbitrary<EventChunk[]> {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 4, arbitrary: fc.nat(300) },
    { weight: 1, arbitrary: fc.nat(longestMicros) },
  );
  const event = fc.record({
    step,
    across: fc.integer({ min: -3, max: 40 }),
    x: fc.nat(sensor.width - 1),
    y: fc.nat(sensor.height - 1),
    sameRow: fc.double({ min: 0, max: 1, noNaN: true }),
    on: fc.nat(1),
  });
  const chunk = fc.array(event, { maxLength: 60 });
  return fc.tuple(fc.nat(longestMicros), fc.array(chunk, { maxLength: 4 })).map(([start, chunks]) => {
    let micros = start;
    let [x, y, on] = [0, 0, 0];
    return chunks.map((list) => {
      const made = allocateChunk(micros, list.length);
      const origin = micros;
      let length = 0;
      for (const next of list) {
        // A chunk holds times up to 2^32 after its origin.
        micros = Math.min(micros + next.step, origin + 2 ** 32 - 1);
        const stays = next.sameRow < 0.7;
        [x, y, on] = stays ? [Math.abs(x + next.across) % sensor.width, y, on] : [next.x, next.y, next.on];
        made.t[length] = micros - origin;
        made.x[length] = x;
        made.y[length] = y;
        made.on[length] = on;
        length++;
      }
      return made;
    });
  });
}

describe.each(writers)('$format.title', (writer) => {
  const { format, sensor } = writer;

  it('comes back as it was written', () => {
    const check = fc.property(events(writer), fc.integer({ min: 1, max: 200 }), (chunks, blockBytes) => {
      const encoder = format.createEncoder!({ sensor, simulated: true });
      const parts: Uint8Array[] = [];
      for (const chunk of chunks) encoder.push(chunk, (bytes) => parts.push(bytes));
      encoder.end((bytes) => parts.push(bytes));
      const bytes = Buffer.concat(parts);
      expect(format.sniff(bytes, bytes.length)).toBe(1);
      const decoded = decodeBytes(format, bytes, () => blockBytes);
      expect(decoded.error).toBeUndefined();
      expect(decoded.decoder.sensor).toEqual(sensor);
      const whole = joinColumns(chunks);
      expect(joinColumns(decoded.chunks)).toEqual(whole);
      expect(decoded.decoder.counters).toEqual({
        events: whole.t.length,
        backward: 0,
        outOfRange: 0,
        skipped: 0,
      });
    });
    fc.assert(check, { numRuns: 150 });
  });
});

describe('a recording in Unix time', () => {
  it.each([evt2, evt3, dat])('keeps its intervals in $title', (format) => {
    const chunk = allocateChunk(1_700_000_000_000_000, 2);
    chunk.t.set([0, 40_000_000]);
    chunk.x.fill(1);
    chunk.y.fill(2);
    chunk.on.fill(1);
    const parts: Uint8Array[] = [];
    format.createEncoder!({ sensor: { width: 640, height: 480 } }).push(chunk, (bytes) => parts.push(bytes));
    const [first, second] = joinColumns(decodeBytes(format, Buffer.concat(parts)).chunks).t;
    expect(second! - first!).toBe(40_000_000);
    expect(Buffer.concat(parts).length).toBeLessThan(300);
  });
});
