/** Index of the first event at or after `time` among the sorted `t`, searched from `start` on; `t.length` if none. */
export function firstEventFrom(t: Uint32Array, time: number, start = 0): number {
  let low = start;
  let high = t.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (t[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
