import { concatMap, lastValueFrom, type Observable, take, tap, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { allocateChunk, type EventChunk, type Recording } from '../../src/events.ts';
import { Credits, eventChunks, pulledChunks } from '../../src/streams/event-chunks.ts';

/** A recording of `count` chunks that notes how far it was pulled and whether it was closed. */
function recordingOf(count: number, failure?: Error): Recording & { pulled: number; closed: number } {
  return {
    id: 'test',
    simulated: true,
    pulled: 0,
    closed: 0,
    async *chunks() {
      try {
        for (let i = 0; i < count; i++) {
          this.pulled++;
          const chunk = allocateChunk(i, 1);
          yield chunk;
        }
        if (failure !== undefined) throw failure;
      } finally {
        this.closed++;
      }
    },
  };
}

const origins = (chunks: Observable<EventChunk>): Promise<number[]> =>
  lastValueFrom(chunks.pipe(toArray())).then((all) => all.map(({ origin }) => origin));

const later = (millis = 1): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis));

describe.each([
  ['eventChunks', (recording: Recording) => eventChunks(recording)],
  ['pulledChunks', (recording: Recording) => pulledChunks(recording, new Credits(1))],
])('%s', (_, open) => {
  it('gives the chunks in order, then completes, and closes the recording', async () => {
    const recording = recordingOf(5);
    expect(await origins(open(recording))).toEqual([0, 1, 2, 3, 4]);
    expect(recording.closed).toBe(1);
  });

  it('gives an empty recording', async () => {
    expect(await origins(open(recordingOf(0)))).toEqual([]);
  });

  it('reads nothing before it is subscribed to, and anew for each subscriber', async () => {
    const recording = recordingOf(2);
    const chunks = open(recording);
    await later();
    expect(recording.pulled).toBe(0);
    await origins(chunks);
    await origins(chunks);
    expect(recording.pulled).toBe(4);
  });

  it('passes a failure on, after the chunks before it', async () => {
    const seen: number[] = [];
    const recording = recordingOf(3, new Error('broken'));
    const chunks = open(recording).pipe(tap(({ origin }) => seen.push(origin)));
    await expect(lastValueFrom(chunks)).rejects.toThrow('broken');
    expect(seen).toEqual([0, 1, 2]);
  });

  it('closes the recording when unsubscribed from', async () => {
    const recording = recordingOf(1000);
    expect(await origins(open(recording).pipe(take(3)))).toEqual([0, 1, 2]);
    await later();
    expect(recording.closed).toBe(1);
    expect(recording.pulled).toBe(3);
  });

  it('is silent after it was unsubscribed from while a chunk was on its way', async () => {
    const recording = recordingOf(1000);
    const seen: EventChunk[] = [];
    open(recording)
      .subscribe((chunk) => seen.push(chunk))
      .unsubscribe();
    await later(5);
    expect(seen).toEqual([]);
    expect(recording.closed).toBeLessThanOrEqual(1);
    expect(recording.pulled).toBeLessThanOrEqual(1);
  });

  it('gives a failure of its consumer to the consumer', async () => {
    const recording = recordingOf(5);
    const failing = open(recording).pipe(
      tap(() => {
        throw new Error('consumer');
      }),
    );
    await expect(lastValueFrom(failing)).rejects.toThrow('consumer');
    await later();
    expect(recording.closed).toBe(1);
  });
});

describe('pulledChunks', () => {
  it('stays level with a slow sink, counting in the unit of the sink', async () => {
    const recording = recordingOf(50);
    const credits = new Credits(4);
    let done = 0;
    let most = 0;
    const run = pulledChunks(recording, credits).pipe(
      concatMap(({ origin }) => [origin, origin, origin]),
      tap(() => credits.take()),
      concatMap(async () => {
        most = Math.max(most, 3 * recording.pulled - done);
        await later(0);
        done++;
        credits.give();
      }),
    );
    await lastValueFrom(run);
    expect(done).toBe(150);
    expect(credits.free).toBe(4);
    // Up to three credits taken, then one more chunk of three values, one of them at the sink.
    expect(most).toBeLessThanOrEqual(6);
  });

  it('waits without credits, and closes the recording when unsubscribed from while it waits', async () => {
    const recording = recordingOf(50);
    const credits = new Credits(2);
    const subscription = pulledChunks(recording, credits).subscribe(() => credits.take());
    await later(5);
    expect(recording.pulled).toBe(2);
    credits.give();
    await later(5);
    expect(recording.pulled).toBe(3);
    subscription.unsubscribe();
    credits.give(10);
    await later(5);
    expect(recording.pulled).toBe(3);
    expect(recording.closed).toBe(1);
  });
});
