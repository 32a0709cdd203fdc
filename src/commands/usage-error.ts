import type { CommanderError } from 'commander';
import { OptionError } from '../errors.ts';

const notFaults = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version']);

/** What to say besides commander's own words, by its error code. */
export interface UsageHints {
  /** Names to list where a word is none of them. */
  readonly known: () => readonly string[];
  /** What the names are of; default `command`. */
  readonly kind?: string;
  /** For an option that is not known. */
  readonly unknownOption?: string;
}

/** An exit callback for commander that turns its usage errors into one line, and lets help and version pass. */
export function usageError({
  known,
  kind = 'command',
  unknownOption,
}: UsageHints): (error: CommanderError) => never {
  return (error) => {
    if (notFaults.has(error.code)) throw error;
    const message = error.message
      .replace(/^error: /, '')
      .replace(/^unknown command/, `unknown ${kind}`)
      .replace(/\s*\n\s*/g, ' ')
      .replace('(Did', '(did');
    const hints: Readonly<Record<string, string | undefined>> = {
      'commander.unknownCommand': `there are ${known().join(', ')}`,
      'commander.unknownOption': unknownOption,
    };
    const hint = hints[error.code];
    throw new OptionError(hint === undefined ? message : `${message}; ${hint}`, { cause: error });
  };
}
