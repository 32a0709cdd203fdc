/** Passes for so many seconds, at least two; million events a second of each. */
export async function rates(
  events: number,
  seconds: number,
  pass: () => Promise<void> | void,
): Promise<number[]> {
  const result: number[] = [];
  const begun = performance.now();
  while (result.length < 2 || performance.now() - begun < 1000 * seconds) {
    const start = performance.now();
    await pass();
    result.push(events / (performance.now() - start) / 1000);
  }
  return result;
}
