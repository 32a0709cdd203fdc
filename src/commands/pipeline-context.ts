import type { PipelineContext } from '../../pipelines/definition.ts';
import { progressLine } from '../reports/progress.ts';
import { type CommandIo, writeLine } from './command-io.ts';

/** What a pipeline gets from the command line: JSON lines or text on `out`, progress and notes on `err`. */
export function pipelineContext(io: CommandIo, json: boolean): PipelineContext {
  const progress = progressLine(io.err);
  return {
    json,
    emit: (line) => {
      if (json) writeLine(io.out, line);
    },
    print: (text) => {
      if (json) return;
      progress.clear();
      io.out.write(text.endsWith('\n') ? text : `${text}\n`);
    },
    progress,
    signal: io.signal,
    requestExit: io.requestExit,
  };
}
