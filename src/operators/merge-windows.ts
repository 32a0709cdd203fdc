import type { LiveWindow } from './live-windows.ts';

/**
 * Consecutive windows of k as one: each of its bins is k bins long and holds the sum of their frames, so that no event
 * is lost and the network takes one step where it had k to take.
 */
export function mergeWindows(windows: readonly LiveWindow[]): LiveWindow {
  const first = windows[0]!;
  const last = windows.at(-1)!;
  const [bins, height, width, channels] = first.shape;
  const size = height * width * channels;
  const frames = new Float32Array(bins * size);
  windows.forEach((window, index) => {
    if (window.events === 0) return;
    for (let bin = 0; bin < bins; bin++) {
      const to = Math.floor((index * bins + bin) / windows.length) * size;
      const from = bin * size;
      for (let i = 0; i < size; i++) frames[to + i]! += window.frames[from + i]!;
    }
  });
  const real = (windows.length - 1) * bins + last.bins;
  return {
    ...first,
    frames,
    endMicros: last.endMicros,
    events: windows.reduce((sum, { events }) => sum + events, 0),
    bins: Math.ceil(real / windows.length),
    merged: windows.reduce((sum, { merged }) => sum + merged, 0),
    arrivedMillis: last.arrivedMillis,
  };
}
