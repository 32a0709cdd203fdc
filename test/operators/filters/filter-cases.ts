import fc from 'fast-check';
import type { EventChunk, SensorSize, Stage } from '../../../src/events.ts';
import { arbitraryEvents, chunkOf, type PlainEvent, runStage } from '../event-cases.ts';

/** [micros, x, y, on] of each event. */
export type Row = [micros: number, x: number, y: number, on: number];

/** The chunks' events, one row each. */
export function rowsOf(chunks: Iterable<EventChunk>): Row[] {
  return [...chunks].flatMap(({ origin, t, x, y, on }) =>
    Array.from(t, (micros, i): Row => [origin + micros, x[i]!, y[i]!, on[i]!]),
  );
}

/** A chunk of rows; its origin is the first one's time. */
export function chunkOfRows(...rows: readonly Row[]): EventChunk {
  return chunkOf(rows.map(([micros, x, y, on]) => ({ micros, x, y, on })));
}

/** What a filter makes of one chunk of rows. */
export function filtered(stage: Stage<EventChunk, EventChunk>, ...rows: readonly Row[]): Row[] {
  return rowsOf(runStage(stage, [chunkOfRows(...rows)]));
}

/** Events of which a few are beyond the sensor, as a damaged file may have them. */
export function arbitraryHostileEvents(sensor: SensorSize, maxLength = 60): fc.Arbitrary<PlainEvent[]> {
  const beyond = fc.record({ at: fc.nat(maxLength), x: fc.nat(65535), y: fc.nat(65535) });
  return fc
    .tuple(arbitraryEvents(sensor, { maxLength }), fc.array(beyond, { maxLength: 3 }))
    .map(([events, strays]) =>
      events.map((event, i) => {
        const stray = strays.find(({ at }) => at === i);
        return stray === undefined ? event : { ...event, x: stray.x, y: stray.y };
      }),
    );
}
