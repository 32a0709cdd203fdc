import { type ProgressTerminal, progressLine } from '../../reports/progress.ts';

/** Who watches an installation, and may stop it. */
export interface InstallWatch {
  readonly signal: AbortSignal;
  /** What is done now. */
  step(text: string): void;
  /** How far a download is, in bytes. */
  download(name: string, done: number, total: number | undefined): void;
  /** What a person should know afterwards. */
  note(text: string): void;
  /** Ends the progress line. */
  end(): void;
}

/** Shows an installation on a terminal; where no person watches, the steps alone, one a line. */
export function watchInstall(terminal: ProgressTerminal, signal: AbortSignal): InstallWatch {
  const progress = progressLine(terminal, { delayMillis: 0 });
  let last = '';
  return {
    signal,
    step: (text) => {
      if (text !== last) progress.note(text);
      last = text;
    },
    download: (name, done, total) => {
      const share =
        total === undefined ? '' : ` of ${megabytes(total)} (${((100 * done) / total).toFixed(1)} %)`;
      progress.update(`${name}: ${megabytes(done)}${share}`);
    },
    note: (text) => progress.note(text),
    end: () => progress.clear(),
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
