import type { Command } from 'commander';
import type { FilterDefinition } from '../operators/filters/definition.ts';
import type { Option } from '../options.ts';
import { description } from '../reports/table.ts';
import { type CommandIo, writeLine } from './command-io.ts';

/** `pipeline filters [NAME]`: the filters that `--filter` takes, or one with its options. */
export function define(command: Command, io: CommandIo): void {
  command
    .argument('[name]', 'a filter, to see its options')
    .option('--json', 'print a JSON line for each filter')
    .addHelpText(
      'after',
      `
A filter is written as its name and, after a colon, its options: crop:x=10,y=10,width=64,height=64
Filters work one after the other, each on the sensor that the one before leaves:
  pipeline convert walk.raw small.aedat4 --filter downsample:factor=2 --filter denoise:micros=5000

Examples:
  pipeline filters                  all of them, in a line each
  pipeline filters denoise          what it does and its options
  pipeline filters --json           the same for programs`,
    )
    .action(async (name: string | undefined, { json }: { json?: true }) => {
      const { filterDefinitions, findFilter } = await import('../operators/filters/index.ts');
      const shown = name === undefined ? filterDefinitions : [findFilter(name)];
      if (json) for (const definition of shown) writeLine(io.out, lineOf(definition));
      else if (name === undefined) io.out.write(overview(shown));
      else io.out.write(await detail(shown[0]!));
    });
}

function overview(definitions: readonly FilterDefinition[]): string {
  const list = description(definitions.map(({ name, summary }) => [name, summary]));
  return `${list}\nOptions of each: pipeline filters NAME; to use one: --filter NAME:OPTION=VALUE,OPTION=VALUE\n`;
}

async function detail(definition: FilterDefinition): Promise<string> {
  const { kebabCase } = await import('../operators/filters/index.ts');
  const { name, summary, example, options, required, needsSensor } = definition;
  const rows = Object.entries(options).map(([key, option]): [string, string] => [
    `${kebabCase(key)}=${option.placeholder ?? ''}`,
    textOf(option, required.includes(key)),
  ]);
  const parts = [
    `${name}: ${summary}\n`,
    rows.length === 0 ? '  no options\n' : description(rows),
    `\n  for example: --filter ${example}\n`,
    needsSensor ? '  needs the size of the sensor, as most files say it\n' : '',
  ];
  return parts.join('');
}

function textOf(option: Option<unknown>, required: boolean): string {
  const notes = [
    option.expects,
    ...(option.unit === undefined ? [] : [option.unit]),
    ...(required ? ['must be given'] : []),
    ...(option.default === undefined ? [] : [`default ${option.default}`]),
  ];
  return `${option.help} (${notes.join('; ')})`;
}

function lineOf({ name, summary, example, options, required, needsSensor }: FilterDefinition): object {
  return {
    type: 'filter',
    name,
    summary,
    example,
    needsSensor,
    options: Object.entries(options).map(([key, { help, expects, unit, default: value, choices }]) => ({
      name: key,
      help,
      expects,
      required: required.includes(key),
      ...(unit === undefined ? {} : { unit }),
      ...(value === undefined ? {} : { default: value }),
      ...(choices === undefined ? {} : { choices }),
    })),
  };
}
