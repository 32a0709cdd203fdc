/** Milliseconds of the clock that BENCH_CLOCK names: the processor time of this process, or the time of day. */
function now(): number {
  if (process.env['BENCH_CLOCK'] !== 'processor') return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Passes for so many seconds, at least two; million events a second of each. */
export async function rates(
  events: number,
  seconds: number,
  pass: () => Promise<void> | void,
): Promise<number[]> {
  const result: number[] = [];
  const begun = performance.now();
  while (result.length < 2 || performance.now() - begun < 1000 * seconds) {
    const start = now();
    await pass();
    result.push(events / (now() - start) / 1000);
  }
  return result;
}
