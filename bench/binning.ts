/**
 * How fast events become dense frames, in million events a second on one core.
 * Never edited casually: its figures are compared with older ones.
 */
import { allocateChunk, CHUNK_EVENTS, type EventChunk, type Frame, type SensorSize } from '../src/events.ts';
import { BinByEvents, BinByTime, FrameGrid } from '../src/operators/index.ts';
import { RandomStream } from '../src/random.ts';
import { benchOptions, json } from './options.ts';

const { options } = benchOptions(
  'npm run bench:binning --',
  'Events at random places to dense frames, in million events a second on one core.',
  { json },
);
const vga = { width: 640, height: 480 };
const dvs128 = { width: 128, height: 128 };
const cases = [
  { kind: 'events', sensor: dvs128, frame: dvs128, eventsPerFrame: 5_000 },
  { kind: 'events', sensor: dvs128, frame: dvs128, eventsPerFrame: 20_000 },
  { kind: 'events', sensor: dvs128, frame: dvs128, eventsPerFrame: 100_000 },
  { kind: 'time', sensor: dvs128, frame: dvs128, eventsPerFrame: 5_000 },
  { kind: 'time', sensor: dvs128, frame: dvs128, eventsPerFrame: 100_000 },
  { kind: 'time', sensor: dvs128, frame: { width: 48, height: 48 }, eventsPerFrame: 5_000 },
  { kind: 'time', sensor: vga, frame: vga, eventsPerFrame: 100_000 },
  { kind: 'time', sensor: vga, frame: vga, eventsPerFrame: 1_000_000 },
] as const;

/** Chunks of events at random places, one each microsecond. */
function randomChunks(sensor: SensorSize, events: number): EventChunk[] {
  const random = new RandomStream(1, 'bench/binning');
  const chunks: EventChunk[] = [];
  for (let start = 0; start < events; start += CHUNK_EVENTS) {
    const chunk = allocateChunk(start, Math.min(CHUNK_EVENTS, events - start));
    for (let i = 0; i < chunk.t.length; i++) {
      const word = random.word(start + i);
      chunk.t[i] = i;
      chunk.x[i] = ((word & 0x7fff) * sensor.width) >>> 15;
      chunk.y[i] = (((word >>> 15) & 0x7fff) * sensor.height) >>> 15;
      chunk.on[i] = word >>> 31;
    }
    chunks.push(chunk);
  }
  return chunks;
}

/** Bins all chunks `repeats` times as one stream; seconds that it took. */
function run(entry: (typeof cases)[number], chunks: readonly EventChunk[]): number {
  const grid = new FrameGrid({ sensor: entry.sensor, frame: entry.frame });
  const stage =
    entry.kind === 'time'
      ? new BinByTime({ windowMicros: entry.eventsPerFrame, grid })
      : new BinByEvents({ count: entry.eventsPerFrame, grid });
  let counted = 0;
  const take = (frame: Frame): void => {
    counted += frame.events;
  };
  const start = performance.now();
  for (const chunk of chunks) stage.push(chunk, take);
  stage.end(take);
  const seconds = (performance.now() - start) / 1000;
  const events = chunks.reduce((sum, chunk) => sum + chunk.t.length, 0);
  if (counted !== events) throw new Error(`binning lost events: ${counted} of ${events}`);
  return seconds;
}

const EVENTS = 8_000_000;
for (const entry of cases) {
  const chunks = randomChunks(entry.sensor, EVENTS);
  run(entry, chunks);
  const seconds = Array.from({ length: 5 }, () => run(entry, chunks)).sort((a, b) => a - b);
  const millionEventsPerSecond = EVENTS / seconds[2]! / 1e6;
  const { sensor, frame, kind, eventsPerFrame } = entry;
  if (options.json) {
    console.log(
      JSON.stringify({ type: 'binning', kind, sensor, frame, eventsPerFrame, millionEventsPerSecond }),
    );
  } else {
    const sizes = `${sensor.width}x${sensor.height} to ${frame.width}x${frame.height}`;
    console.log(
      `by ${kind}, ${sizes}, ${eventsPerFrame} events a frame: ${millionEventsPerSecond.toFixed(0)} M events/s`,
    );
  }
}
