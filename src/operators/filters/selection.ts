import { allocateChunk, type EventChunk, type SensorSize, sliceChunk } from '../../events.ts';
import { type FilterCounters, type FilterStage, filterCounters } from './filter-stage.ts';

/** Where no more than one event of so many is left out, those that stay are copied stretch by stretch. */
const FEW = 256;

/** A filter that leaves events out and changes none: it says which ones stay. */
export abstract class Selection implements FilterStage {
  readonly counters: FilterCounters = filterCounters();
  #picks = new Uint32Array(0);

  /** Writes the positions of the events that stay to `picks`, in order, and returns how many they are. */
  protected abstract select(chunk: EventChunk, picks: Uint32Array): number;

  push(chunk: EventChunk, emit: (chunk: EventChunk) => void): void {
    const events = chunk.t.length;
    if (this.#picks.length < events) this.#picks = new Uint32Array(events);
    const kept = this.select(chunk, this.#picks);
    this.counters.in += events;
    this.counters.out += kept;
    emit(pick(chunk, this.#picks, kept));
  }

  end(_emit: (chunk: EventChunk) => void): void {}
}

/**
 * The events at the first `kept` positions of `picks`: the chunk itself where they are all, a view where they stand side
 * by side and are most of it, so that few events never hold the memory of many.
 */
export function pick(chunk: EventChunk, picks: Uint32Array, kept: number): EventChunk {
  const { origin, t } = chunk;
  if (kept === t.length) return chunk;
  const first = picks[0]!;
  if (2 * kept > t.length && picks[kept - 1]! - first === kept - 1) {
    return sliceChunk(chunk, first, first + kept);
  }
  const out = allocateChunk(origin, kept);
  if (FEW * (t.length - kept) < t.length) copyRuns(chunk, picks, out);
  else copyEach(chunk, picks, out);
  return out;
}

/** Copies the events at `picks` one by one. */
function copyEach({ t, x, y, on }: EventChunk, picks: Uint32Array, out: EventChunk): void {
  const { t: outT, x: outX, y: outY, on: outOn } = out;
  for (let to = 0; to < outT.length; to++) {
    const from = picks[to]!;
    outT[to] = t[from]!;
    outX[to] = x[from]!;
    outY[to] = y[from]!;
    outOn[to] = on[from]!;
  }
}

/** Copies the events at `picks` stretch by stretch. */
function copyRuns({ t, x, y, on }: EventChunk, picks: Uint32Array, out: EventChunk): void {
  for (let to = 0; to < out.t.length; ) {
    const from = picks[to]!;
    const start = to++;
    while (to < out.t.length && picks[to]! - to === from - start) to++;
    const end = from + to - start;
    out.t.set(t.subarray(from, end), start);
    out.x.set(x.subarray(from, end), start);
    out.y.set(y.subarray(from, end), start);
    out.on.set(on.subarray(from, end), start);
  }
}

/** The chunk's events on the sensor, the chunk itself where all are; the others are counted as outside. */
export function withinSensor(
  chunk: EventChunk,
  { width, height }: SensorSize,
  counters: FilterCounters,
): EventChunk {
  const { x, y } = chunk;
  let i = 0;
  while (i < x.length && x[i]! < width && y[i]! < height) i++;
  if (i === x.length) return chunk;
  const picks = new Uint32Array(x.length);
  let kept = 0;
  for (i = 0; i < x.length; i++) {
    picks[kept] = i;
    if (x[i]! < width && y[i]! < height) kept++;
  }
  counters.outside += x.length - kept;
  return pick(chunk, picks, kept);
}
