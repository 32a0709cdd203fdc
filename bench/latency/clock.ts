/** Milliseconds on the clock of the system that all processes share and that never goes back. */
export function monotonicMillis(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
