import { type Command, Option } from 'commander';
import type { EncodeOptions } from '../streams/formats/format.ts';
import type { CommandIo } from './command-io.ts';
import { convert } from './convert.ts';
import { addFilterOption } from './filter-option.ts';
import { addReadingOptions, type ReadingOptions } from './recording-options.ts';

interface CatOptions extends ReadingOptions {
  readonly filter: readonly string[];
  readonly style?: NonNullable<EncodeOptions['textStyle']>;
}

const help = `
Lines are written as fast as they are read; it ends without a word when nobody reads any more.

Examples:
  pipeline cat walk.aedat | head
  pipeline cat walk.raw --from 1000000 --to 2000000 > second.csv
  pipeline convert walk.raw - | pipeline cat -`;

/** `pipeline cat FILE`: the events as text on standard output. */
export function define(command: Command, io: CommandIo): void {
  command.argument('<file>', 'a recording of any supported format, or - for standard input');
  addFilterOption(command).addOption(
    new Option('--style <NAME>', 'lines: t,x,y,on (faery), x,y,p,t (metavision), t x y p in seconds (rpg)')
      .choices(['faery', 'metavision', 'rpg'])
      .default('faery'),
  );
  addReadingOptions(command)
    .addHelpText('after', help)
    .action((path: string, options: CatOptions) => convert(path, '-', { ...options, format: 'csv' }, io));
}
