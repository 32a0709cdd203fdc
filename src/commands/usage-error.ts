import type { CommanderError } from 'commander';
import { OptionError } from '../errors.ts';

const notFaults = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version']);

/**
 * An exit callback for commander that turns its usage errors into one line, and lets help and version pass.
 * @param known names to list when the word after the command is none of them
 */
export function usageError(known: () => readonly string[]): (error: CommanderError) => never {
  return (error) => {
    if (notFaults.has(error.code)) throw error;
    const message = error.message
      .replace(/^error: /, '')
      .replace(/\s*\n\s*/g, ' ')
      .replace('(Did', '(did');
    const names = error.code === 'commander.unknownCommand' ? `; there are ${known().join(', ')}` : '';
    throw new OptionError(message + names, { cause: error });
  };
}
