import { type MonoTypeOperatorFunction, map } from 'rxjs';
import { allocateChunk, type EventChunk, sliceChunk } from '../events.ts';
import type { FrameGrid } from './frame-grid.ts';

/** The chunk's events in the grid's coordinates: cropped, and scaled down. Events outside are left out. */
export function regridChunk(chunk: EventChunk, { columns, rows }: FrameGrid): EventChunk {
  const { origin, t, x, y, on } = chunk;
  const out = allocateChunk(origin, t.length);
  let kept = 0;
  for (let i = 0; i < t.length; i++) {
    const column = columns[x[i]!] ?? -1;
    const row = rows[y[i]!] ?? -1;
    if (column < 0 || row < 0) continue;
    out.t[kept] = t[i]!;
    out.x[kept] = column;
    out.y[kept] = row;
    out.on[kept] = on[i]!;
    kept++;
  }
  return kept === t.length ? out : sliceChunk(out, 0, kept);
}

/** Crops events and scales their coordinates down, as a grid does for frames. */
export function regrid(grid: FrameGrid): MonoTypeOperatorFunction<EventChunk> {
  return map((chunk) => regridChunk(chunk, grid));
}
