/** A progress line that is rewritten in place. */
export interface ProgressLine {
  /** Replaces the line; shows nothing where no person watches, or before the delay has passed. */
  update(text: string): void;
  /** A line that stays, such as a warning; shown always. */
  note(text: string): void;
  /** Removes the line. */
  clear(): void;
}

/** The terminal that a progress line is drawn on. */
export interface ProgressTerminal {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const CLEAR_LINE = '\r\u001b[K';

/**
 * A progress line for work that may take long: quick work shows none.
 * @param delayMillis time before the first line, in milliseconds; 2000 by default
 */
export function progressLine(
  terminal: ProgressTerminal,
  { delayMillis = 2000, now = performance.now.bind(performance) }: ProgressOptions = {},
): ProgressLine {
  const started = now();
  let lastDrawn = Number.NEGATIVE_INFINITY;
  let shown = false;
  const clear = (): void => {
    if (shown) terminal.write(CLEAR_LINE);
    shown = false;
  };
  return {
    update(text) {
      const time = now();
      // More than ten lines a second cannot be read, and terminals are slow.
      if (!terminal.isTTY || time - started < delayMillis || time - lastDrawn < 100) return;
      lastDrawn = time;
      shown = true;
      terminal.write(CLEAR_LINE + text.slice(0, (terminal.columns ?? 80) - 1));
    },
    note(text) {
      clear();
      terminal.write(`${text}\n`);
    },
    clear,
  };
}

/** When a progress line is drawn. */
export interface ProgressOptions {
  readonly delayMillis?: number;
  /** A clock in milliseconds. */
  readonly now?: () => number;
}
