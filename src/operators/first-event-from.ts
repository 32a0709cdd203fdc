/** Index of the first event at or after `time` among the sorted `t`, from `start` to `end`; `end` if none. */
export function firstEventFrom(t: Uint32Array, time: number, start = 0, end: number = t.length): number {
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (t[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
