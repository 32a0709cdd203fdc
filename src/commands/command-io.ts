/** Where a command writes text: a stream of the process, or a capture in a test. */
export interface TextSink {
  write(text: string): unknown;
  /** True where a person watches. */
  readonly isTTY?: boolean;
  /** Width of the terminal in characters, where there is one. */
  readonly columns?: number;
  /** Height of the terminal in lines, where there is one. */
  readonly rows?: number;
}

/** The world as a command sees it: data goes to `out`, progress and notes to `err`. */
export interface CommandIo {
  readonly out: TextSink;
  readonly err: TextSink;
  /** Aborted by the first Ctrl-C or SIGTERM; a command that never reads it is ended by them at once. */
  readonly signal: AbortSignal;
  /** Asks for an exit status other than 0 without an error line. */
  requestExit(code: number): void;
  /**
   * Calls back with what is typed, key by key, until the function that it gives is called; absent where nobody types.
   * Ctrl-C is then a key too.
   */
  readonly listenToKeys?: (listener: (key: string) => void) => () => void;
}

/** One JSON line. */
export function writeLine(sink: TextSink, line: object): void {
  sink.write(`${JSON.stringify(line)}\n`);
}
