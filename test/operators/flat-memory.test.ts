import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { concatMap, lastValueFrom, tap } from 'rxjs';
import { afterAll, expect, it } from 'vitest';
import { allocateChunk, CHUNK_EVENTS, type EventChunk, type Frame } from '../../src/events.ts';
import { binByEvents, FrameGrid } from '../../src/operators/index.ts';
import { Credits, pulledChunks } from '../../src/streams/event-chunks.ts';
import { aedat2 } from '../../src/streams/formats/aedat2.ts';
import { openRecording, writeRecording } from '../../src/streams/recording-file.ts';

// `bench/memory.ts` does the same with 60 million events, and against an idle process.
const EVENTS = 5_000_000;
/** Held all at once, the frames would be 650 MB. */
const EVENTS_PER_FRAME = 1000;
const sensor = { width: 128, height: 128 };
const folder = mkdtempSync(join(tmpdir(), 'rxspike-'));

afterAll(() => rmSync(folder, { recursive: true }));

function* events(): Generator<EventChunk> {
  for (let start = 0; start < EVENTS; start += CHUNK_EVENTS) {
    const chunk = allocateChunk(start, Math.min(CHUNK_EVENTS, EVENTS - start));
    for (let i = 0; i < chunk.t.length; i++) {
      chunk.t[i] = i;
      chunk.x[i] = (start + i) % sensor.width;
      chunk.y[i] = ((start + i) >>> 7) % sensor.height;
      chunk.on[i] = i & 1;
    }
    yield chunk;
  }
}

it('a recording of 5 million events, binned for a sink that sleeps: memory stays flat, no event is lost', async () => {
  const path = join(folder, 'long.aedat');
  await writeRecording(path, events(), { format: aedat2, sensor });
  const recording = await openRecording(path);
  const credits = new Credits(2);
  let counted = 0;
  let underWay = 0;
  let mostUnderWay = 0;
  let mostMemory = 0;
  const before = process.memoryUsage.rss();
  const show = async (frame: Frame): Promise<void> => {
    await nextTurn();
    counted += frame.events;
    underWay--;
    mostMemory = Math.max(mostMemory, process.memoryUsage.rss());
  };
  await lastValueFrom(
    pulledChunks(recording, credits).pipe(
      binByEvents({ count: EVENTS_PER_FRAME, grid: new FrameGrid({ sensor }) }),
      tap(() => {
        credits.take();
        mostUnderWay = Math.max(mostUnderWay, ++underWay);
      }),
      concatMap(show),
      tap(() => credits.give()),
    ),
  );
  expect(counted).toBe(EVENTS);
  // One chunk more than the credits allow, for the last credit may bring one.
  expect(mostUnderWay).toBeLessThanOrEqual(1 + Math.ceil(CHUNK_EVENTS / EVENTS_PER_FRAME) + 1);
  expect(mostMemory - before).toBeLessThan(150 * 2 ** 20);
});
