import { type Command, Option } from 'commander';

/** Adds `--filter`, which may be given several times; the option `filter` is then the list of them. */
export function addFilterOption(command: Command): Command {
  const help = 'NAME or NAME:OPTION=VALUE,…; may be repeated, in order; see pipeline filters';
  const collect = (text: string, before: readonly string[]): readonly string[] => [...before, text];
  return command.addOption(new Option('--filter <FILTER>', help).argParser(collect).default([], 'none'));
}
