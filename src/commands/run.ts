import { type Command, Option } from 'commander';
import { flagOf, type Pipeline } from '../../pipelines/definition.ts';
import { isPipelineFile, loadPipeline, pipelineNames } from '../../pipelines/index.ts';
import type { CommandIo } from './command-io.ts';
import { pipelineContext } from './pipeline-context.ts';
import { usageError } from './usage-error.ts';

/**
 * `pipeline run NAME`: each pipeline is a sub-command whose options come from its definition. A file that is asked for
 * is a sub-command by its path, and then the only one.
 */
export async function define(command: Command, io: CommandIo): Promise<void> {
  command
    .usage('NAME [options]')
    .exitOverride(
      usageError({
        known: pipelineNames,
        kind: 'pipeline',
        unknownOption: 'options of a pipeline come after its name: pipeline run NAME --help shows them',
      }),
    )
    .enablePositionalOptions()
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nThe options of a pipeline: pipeline run NAME --help\nNAME may be a file that exports a pipeline: ./mine.ts',
    );
  const asked = command.parent?.args[1]; // the word after `run`
  const names = asked !== undefined && isPipelineFile(asked) ? [asked] : pipelineNames();
  for (const [index, pipeline] of (await Promise.all(names.map(loadPipeline))).entries()) {
    // Not command.command(name), which splits a path at its spaces.
    const child = command.createCommand(names[index]).copyInheritedSettings(command);
    command.addCommand(child);
    definePipelineCommand(child, pipeline, io);
  }
}

function definePipelineCommand(command: Command, pipeline: Pipeline, io: CommandIo): void {
  command
    .description(pipeline.description)
    .summary(pipeline.summary)
    .exitOverride(usageError({ known: () => [] }));
  for (const [name, option] of Object.entries(pipeline.options)) {
    command.addOption(commandOption(name, option));
  }
  command.option('--json', 'print JSON lines');
  const examples = pipeline.examples.map((example) => `  pipeline run ${example}\n`);
  const presets = Object.entries(pipeline.presets ?? {}).map(
    ([name, values]) => `  ${name}: ${describeValues(values)}\n`,
  );
  if (presets.length > 0) command.addHelpText('after', `\nPresets:\n${presets.join('')}`.trimEnd());
  if (examples.length > 0) command.addHelpText('after', `\nExamples:\n${examples.join('')}`.trimEnd());
  command.action(async (given: Record<string, unknown>) => {
    await runPipeline(pipeline, given, io);
  });
}

/** The flag of a pipeline's option; values stay text, for the pipeline validates them. */
function commandOption(name: string, option: Pipeline['options'][string]): Option {
  const { placeholder, choices, unit, valueOptional, repeats } = option;
  const named = valueOptional ? ` [${placeholder}]` : ` <${placeholder}>`;
  const argument = placeholder === undefined ? '' : named;
  const notes = [
    ...(choices === undefined ? [] : [choices.join(', ')]),
    ...(unit === undefined ? [] : [`in ${unit}`]),
    ...(repeats ? ['may be repeated'] : []),
    ...(option.default === undefined || option.default === false ? [] : [`default ${option.default}`]),
  ];
  const defined = new Option(
    `${flagOf(name)}${argument}`,
    option.help + (notes.length > 0 ? ` (${notes.join('; ')})` : ''),
  );
  return repeats
    ? defined.argParser((text: string, before: readonly string[] = []) => [...before, text])
    : defined;
}

function describeValues(values: Readonly<Record<string, unknown>>): string {
  const described = Object.entries(values).map(([name, value]) => `${flagOf(name)} ${value}`);
  return described.length === 0 ? 'the defaults' : described.join(' ');
}

async function runPipeline(
  pipeline: Pipeline,
  { json, ...options }: Record<string, unknown>,
  io: CommandIo,
): Promise<void> {
  const context = pipelineContext(io, json === true);
  try {
    await pipeline.start(options, context);
  } finally {
    context.progress.clear();
  }
}
