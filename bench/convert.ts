/**
 * Converting a long recording: `npm run build && node dist/bench/convert.js --recording FILE [--megabytes N] [--to aedat4,parquet] [--json]`
 * writes EVT3 of N megabytes (1000) by repeating the recording one after the other, converts it as `pipeline convert`
 * does, each time in a process of its own, and prints time, events a second, bytes an event, and the peak of resident
 * memory, beside that of a process that only loads the program.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createProgram } from '../src/cli.ts';
import type { EventChunk } from '../src/events.ts';
import { evt3 } from '../src/streams/formats/index.ts';
import { openRecording, writeRecording } from '../src/streams/recording-file.ts';
import { summarizeRecording } from '../src/streams/summarize.ts';

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
  const { values } = parseArgs({
    options: {
      recording: { type: 'string' },
      megabytes: { type: 'string', default: '1000' },
      to: { type: 'string', default: 'aedat4,parquet,arrow' },
      json: { type: 'boolean', default: false },
      child: { type: 'string', multiple: true },
    },
  });
  if (values.child !== undefined) return convertOnce(values.child[0]!, values.child[1] ?? '');
  if (values.recording === undefined) throw new Error('--recording FILE expected: what is repeated');
  const folder = await mkdtemp(join(tmpdir(), 'rxspike-convert-'));
  const run = (from: string, to: string): number =>
    Number(execFileSync(process.execPath, [self, '--child', from, '--child', to], { encoding: 'utf8' }));
  try {
    const source = join(folder, 'long.raw');
    const recording = await openRecording(values.recording);
    const options = { format: evt3, sensor: recording.sensor ?? { width: 1280, height: 720 } };
    const bytes = await writeRecording(source, repeated(values.recording, 1), options);
    const times = Math.ceil((Number(values.megabytes) * 1e6) / bytes);
    await writeRecording(source, repeated(values.recording, times), options);
    const { events } = await summarizeRecording(recording);
    const idle = run(source, '');
    for (const format of values.to.split(',')) {
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
      if (values.json) console.log(JSON.stringify(result));
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
