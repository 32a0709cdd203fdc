import type { Command } from 'commander';
import { RxspikeError } from '../errors.ts';
import type { EventChunk } from '../events.ts';
import { infoText } from '../reports/info-text.ts';
import { type ProgressLine, progressLine } from '../reports/progress.ts';
import type { RecordingOptions } from '../streams/recording-file.ts';
import { type CommandIo, writeLine } from './command-io.ts';
import { type Input, openInput } from './open-input.ts';
import { addReadingOptions, type ReadingOptions, readingOptions } from './recording-options.ts';

/** `pipeline info FILE…`: what recordings hold; one that cannot be read does not keep the others from being shown. */
export function define(command: Command, io: CommandIo): void {
  addReadingOptions(
    command.argument(
      '<file...>',
      'recordings of any supported format, told by their content; - for standard input',
    ),
  )
    .option('--json', 'print a JSON line for each file')
    .addHelpText('after', '\nExamples:\n  pipeline info walk.aedat\n  pipeline info --json recordings/*')
    .action(async (paths: string[], { json, ...options }: ReadingOptions & { json?: true }) => {
      const { formats } = await import('../streams/formats/index.ts');
      const reading = readingOptions(options, formats);
      const progress = progressLine(io.err);
      const faults: RxspikeError[] = [];
      for (const path of paths) {
        try {
          await showFile(path, reading, json === true, progress, io);
        } catch (error) {
          if (!(error instanceof RxspikeError)) throw error;
          faults.push(error);
        } finally {
          progress.clear();
        }
      }
      if (faults.length > 1) throw new AggregateError(faults);
      if (faults.length === 1) throw faults[0];
    });
}

async function showFile(
  path: string,
  reading: RecordingOptions,
  json: boolean,
  progress: ProgressLine,
  io: CommandIo,
): Promise<void> {
  const { summarizeRecording } = await import('../streams/summarize.ts');
  const recording = await openInput(path, reading);
  const { id: _, ...summary } = await summarizeRecording(watched(path, recording, progress));
  progress.clear();
  if (json) writeLine(io.out, { type: 'recording', path, bytes: recording.bytes, ...summary });
  else io.out.write(`${infoText({ path, title: recording.format.title, ...summary })}\n`);
}

/** The recording, with its progress shown while it is read. */
function watched(path: string, recording: Input, progress: ProgressLine): Input {
  return {
    ...recording,
    chunks: () => {
      const chunks = recording.chunks();
      async function* watching(): AsyncGenerator<EventChunk> {
        let events = 0;
        for await (const chunk of chunks) {
          events += chunk.t.length;
          progress.update(`${path}: ${events} events`);
          yield chunk;
        }
      }
      return {
        get counters() {
          return chunks.counters;
        },
        get sensor() {
          return chunks.sensor;
        },
        [Symbol.asyncIterator]: watching,
      };
    },
  };
}
