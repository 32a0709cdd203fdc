/**
 * Memory of a long recording before a slow consumer: a recording is written, then replayed through binning to a sink that
 * sleeps after each frame; resident memory over time beside that of an idle process.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { concatMap, lastValueFrom, tap } from 'rxjs';
import { allocateChunk, CHUNK_EVENTS, type EventChunk, type Frame } from '../src/events.ts';
import { binByEvents, FrameGrid } from '../src/operators/index.ts';
import { Credits, pulledChunks } from '../src/streams/event-chunks.ts';
import { formats } from '../src/streams/formats/index.ts';
import { openRecording, writeRecording } from '../src/streams/recording-file.ts';
import { benchOptions, json } from './options.ts';

const sensor = { width: 128, height: 128 };
const EVENTS_PER_FRAME = 5000;
const SLEEP_MILLIS = 1;
const mebibytes = (bytes: number): number => Math.round((bytes / 2 ** 20) * 10) / 10;

/** Chunks of events along a moving diagonal, one each microsecond. */
function* movingDiagonal(events: number): Generator<EventChunk> {
  for (let start = 0; start < events; start += CHUNK_EVENTS) {
    const chunk = allocateChunk(start, Math.min(CHUNK_EVENTS, events - start));
    for (let i = 0; i < chunk.t.length; i++) {
      const at = start + i;
      chunk.t[i] = i;
      chunk.x[i] = (at + (at >>> 10)) % sensor.width;
      chunk.y[i] = at % sensor.height;
      chunk.on[i] = at & 1;
    }
    yield chunk;
  }
}

async function write(path: string, format: string, events: number): Promise<void> {
  const found = formats.find(({ name }) => name === format);
  if (found === undefined) throw new Error(`no format ${format}: ${formats.map(({ name }) => name)}`);
  await writeRecording(path, movingDiagonal(events), { format: found, sensor, simulated: true });
}

/** Replays the recording; calls `watch` after each frame that the sink has slept over. */
async function replay(path: string, watch: (frames: number) => void): Promise<number> {
  const recording = await openRecording(path);
  const credits = new Credits(2);
  let frames = 0;
  let events = 0;
  const show = async (frame: Frame): Promise<void> => {
    await sleep(SLEEP_MILLIS);
    events += frame.events;
    watch(++frames);
  };
  await lastValueFrom(
    pulledChunks(recording, credits).pipe(
      binByEvents({ count: EVENTS_PER_FRAME, grid: new FrameGrid({ sensor }) }),
      tap(() => credits.take()),
      concatMap(show),
      tap(() => credits.give()),
    ),
  );
  return events;
}

/** Resident memory of a process that does nothing, in bytes. */
function idleMemory(): number {
  const idle = 'setTimeout(() => console.log(process.memoryUsage.rss()), 500)';
  return Number(execFileSync(process.execPath, ['-e', idle], { encoding: 'utf8' }));
}

const { options } = benchOptions(
  'npm run bench:memory --',
  'Resident memory of a long recording that is binned for a sink which sleeps after each frame, beside an idle process.',
  {
    events: { value: 'N', help: 'of the recording', default: 60_000_000 },
    format: { value: 'NAME', help: 'of its file', default: 'aedat2' },
    json,
    write: { value: 'FILE' },
  },
);
const { events } = options;

if (options.write !== undefined) {
  await write(options.write, options.format, events);
} else {
  const folder = await mkdtemp(join(tmpdir(), 'rxspike-memory-'));
  try {
    const path = join(folder, 'recording');
    const own = fileURLToPath(import.meta.url);
    // In a process of its own, so that writing leaves no memory behind here.
    execFileSync(process.execPath, [
      own,
      '--write',
      path,
      '--format',
      options.format,
      '--events',
      String(events),
    ]);
    const idle = idleMemory();
    const start = performance.now();
    const every = Math.max(1, Math.floor(events / EVENTS_PER_FRAME / 20));
    const line = (frames: number): void => {
      const seconds = Math.round((performance.now() - start) / 100) / 10;
      const resident = mebibytes(process.memoryUsage.rss());
      if (options.json) console.log(JSON.stringify({ type: 'memory', seconds, frames, resident }));
      else console.log(`${seconds} s, ${frames} frames: ${resident} MiB resident`);
    };
    let most = 0;
    const replayed = await replay(path, (frames) => {
      most = Math.max(most, process.memoryUsage.rss());
      if (frames % every === 0) line(frames);
    });
    if (replayed !== events) throw new Error(`lost events: ${replayed} of ${events}`);
    const result = {
      type: 'result',
      events,
      format: options.format,
      fileMebibytes: mebibytes((await stat(path)).size),
      idle: mebibytes(idle),
      most: mebibytes(most),
      aboveIdle: mebibytes(most - idle),
    };
    if (options.json) console.log(JSON.stringify(result));
    else {
      const { fileMebibytes, aboveIdle } = result;
      console.log(
        `${events} events, ${fileMebibytes} MiB: ${result.most} MiB at most, an idle process ${result.idle}`,
      );
      console.log(`${aboveIdle} MiB above idle`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
