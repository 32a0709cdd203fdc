import type { Command } from 'commander';

/** Adds `--filter`, which may be given several times; the option `filter` is then the list of them. */
export function addFilterOption(command: Command): Command {
  return command.option(
    '--filter <FILTER>',
    'NAME or NAME:OPTION=VALUE,…; may be repeated, in order; see pipeline filters',
    (text: string, before: readonly string[]) => [...before, text],
    [],
  );
}
