/**
 * Converting a long recording: EVT3 of so many megabytes, made by repeating a recording one after the other, is converted
 * as `pipeline convert` does, each time in a process of its own, beside a process that only loads the program.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProgram } from '../src/cli.ts';
import type { EventChunk } from '../src/events.ts';
import { evt3 } from '../src/streams/formats/index.ts';
import { openRecording, writeRecording } from '../src/streams/recording-file.ts';
import { summarizeRecording } from '../src/streams/summarize.ts';
import { benchOptions, json, refuse } from './options.ts';

const self = fileURLToPath(import.meta.url);
const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);

/** The recording `times` times, one after the other. */
async function* repeated(path: string, times: number): AsyncGenerator<EventChunk> {
  const { durationMicros } = await summarizeRecording(await openRecording(path));
  for (let i = 0; i < times; i++) {
    for await (const chunk of (await openRecording(path)).chunks()) {
      yield { ...chunk, origin: chunk.origin + i * (durationMicros + 1) };
    }
  }
}

/** Runs one conversion, or nothing, and prints the peak of resident memory in bytes. */
async function convertOnce(from: string, to: string): Promise<void> {
  const io = {
    out: { write: () => undefined },
    err: { write: () => undefined },
    signal: new AbortController().signal,
    requestExit: () => undefined,
  };
  const args = to === '' ? ['info', from] : ['convert', from, to];
  if (to !== '') await createProgram(io).parseAsync(args, { from: 'user' });
  else await import('../src/commands/convert.ts');
  console.log(process.resourceUsage().maxRSS * 1024);
}

async function main(): Promise<void> {
  const { options } = benchOptions(
    'npm run bench:convert -- --recording FILE',
    `A long EVT3 file to other formats, as pipeline convert does: seconds, events a second, bytes an event, and the peak of
resident memory, beside that of a process that only loads the program.`,
    {
      recording: { value: 'FILE', help: 'what is repeated' },
      megabytes: { value: 'N', help: 'of the long file', default: 1000 },
      to: { value: 'NAME,…', help: 'formats to convert to', default: 'aedat4,parquet,arrow' },
      json,
      child: { value: 'FILE' },
      target: { value: 'FILE', default: '' },
    },
  );
  const { child, recording: path } = options;
  if (child !== undefined) return convertOnce(child, options.target);
  if (path === undefined) return refuse('--recording FILE is missing: what is repeated');
  const folder = await mkdtemp(join(tmpdir(), 'rxspike-convert-'));
  const run = (from: string, to: string): number =>
    Number(execFileSync(process.execPath, [self, '--child', from, '--target', to], { encoding: 'utf8' }));
  try {
    const source = join(folder, 'long.raw');
    const recording = await openRecording(path);
    const encoding = { format: evt3, sensor: recording.sensor ?? { width: 1280, height: 720 } };
    const bytes = await writeRecording(source, repeated(path, 1), encoding);
    const times = Math.ceil((options.megabytes * 1e6) / bytes);
    await writeRecording(source, repeated(path, times), encoding);
    const { events } = await summarizeRecording(recording);
    const idle = run(source, '');
    for (const format of options.to.split(',')) {
      const target = join(folder, `out.${format}`);
      const started = performance.now();
      const peak = run(source, target);
      const seconds = (performance.now() - started) / 1000;
      const size = (await stat(target)).size;
      const result = {
        format,
        inputMegabytes: Math.round((await stat(source)).size / 1e6),
        events: events * times,
        seconds: Math.round(seconds * 10) / 10,
        millionEventsPerSecond: Math.round((events * times) / seconds / 1e5) / 10,
        bytesPerEvent: Math.round((10 * size) / (events * times)) / 10,
        peakMebibytes: mebibytes(peak),
        idleMebibytes: mebibytes(idle),
      };
      if (options.json) console.log(JSON.stringify(result));
      else {
        console.log(
          `${result.inputMegabytes} MB EVT3 (${result.events} events) to ${format}: ${result.seconds} s, ` +
            `${result.millionEventsPerSecond} million events/s, ${result.bytesPerEvent} bytes an event, ` +
            `peak ${result.peakMebibytes} MiB resident (idle ${result.idleMebibytes})`,
        );
      }
      await rm(target);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

await main();
