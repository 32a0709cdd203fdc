import type { Command } from 'commander';
import { loadPipeline, pipelineNames } from '../../pipelines/index.ts';
import { description } from '../reports/table.ts';
import { type CommandIo, writeLine } from './command-io.ts';

/** `pipeline list`: the pipelines with their presets. */
export function define(command: Command, io: CommandIo): void {
  command.option('--json', 'print a JSON line for each pipeline').action(async ({ json }) => {
    const pipelines = await Promise.all(pipelineNames().map(loadPipeline));
    if (json) {
      for (const { name, summary, presets, options } of pipelines) {
        writeLine(io.out, {
          type: 'pipeline',
          name,
          summary,
          presets: Object.keys(presets ?? {}),
          options: Object.keys(options),
        });
      }
      return;
    }
    io.out.write(description(pipelines.map(({ name, summary }) => [name, summary])));
    io.out.write('\nOptions and presets of each: pipeline run NAME --help\n');
  });
}
