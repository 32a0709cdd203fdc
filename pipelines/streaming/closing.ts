/** What is to be closed in the end, the last opened first. */
export interface Closing {
  later(close: () => unknown): void;
}

/** Runs work, and closes what it opened however it ends; the first fault is the one that is thrown. */
export async function withClosing(work: (closing: Closing) => Promise<void>): Promise<void> {
  const closers: (() => unknown)[] = [];
  const faults: unknown[] = [];
  const attempt = async (run: () => unknown): Promise<void> => {
    try {
      await run();
    } catch (error) {
      faults.push(error);
    }
  };
  await attempt(() => work({ later: (close) => closers.unshift(close) }));
  for (const close of closers) await attempt(close);
  if (faults.length > 0) throw faults[0];
}
