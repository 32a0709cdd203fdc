import type { Command } from 'commander';
import type { EngineInfo } from '../engines/engine.ts';
import { table } from '../reports/table.ts';
import { type CommandIo, writeLine } from './command-io.ts';
import { defineInstall } from './engines-install/command.ts';

/** `pipeline engines`: which tensor engines are here, which one `--engine auto` takes, how to get the rest. */
export function define(command: Command, io: CommandIo): void {
  defineInstall(command.command('install'), io);
  command.option('--json', 'print a JSON line for each engine').action(async ({ json }) => {
    const { listEngines } = await import('../engines/engine.ts');
    const engines = await listEngines();
    if (json) {
      for (const engine of engines) writeLine(io.out, { type: 'engine', ...engine });
    } else {
      io.out.write(engineTable(engines));
    }
  });
}

function engineTable(engines: readonly EngineInfo[]): string {
  const columns = [{ title: '' }, { title: 'engine' }, { title: 'state' }, { title: 'what it is' }];
  const rows = engines.map((engine) => [
    engine.default ? '*' : '',
    engine.name,
    engine.state,
    `${engine.title}: ${engine.detail}`,
  ]);
  const hints = engines.flatMap(({ name, how }) => (how === undefined ? [] : [`${name}: ${how}`]));
  return `${[table(columns, rows), '* is what --engine auto takes\n', ...hints.map((hint) => `${hint}\n`)].join('')}`;
}
