import { extname } from 'node:path';
import type { Command } from 'commander';
import { OptionError } from '../errors.ts';
import type { EventChunk } from '../events.ts';
import { progressLine } from '../reports/progress.ts';
import type { StatisticsReport } from '../reports/statistics-report.ts';
import { type CommandIo, writeLine } from './command-io.ts';
import { addFilterOption } from './filter-option.ts';
import { measuredSensor, openInput } from './open-input.ts';
import { addReadingOptions, type ReadingOptions, readingOptions } from './recording-options.ts';
import { filterChain } from './view-options.ts';

interface StatsOptions extends ReadingOptions {
  readonly filter: readonly string[];
  readonly out?: string;
  readonly json?: true;
}

const help = `
Intervals are the times between two events of one pixel. Where the input does not say how large its sensor is, a file is
read twice; for standard input give --sensor.

Examples:
  pipeline stats walk.aedat
  pipeline stats walk.aedat --out walk.svg          rate over time, map of pixels, histogram of intervals
  pipeline stats walk.raw --filter hot-pixels:rate=1000 --json
  pipeline stats walk.raw --out - > walk.svg`;

/** Pixels that are named in JSON. */
const BUSIEST = 20;

/** `pipeline stats FILE`: event rate over time, events of each pixel, and intervals between them. */
export function define(command: Command, io: CommandIo): void {
  command.argument('<file>', 'a recording of any supported format, or - for standard input');
  addFilterOption(command).option('--out <FILE>', 'draw to FILE, .svg or .png; - for SVG on standard output');
  addReadingOptions(command)
    .option('--json', 'print a JSON line with rate, busiest pixels and intervals')
    .addHelpText('after', help)
    .action((path: string, options: StatsOptions) => stats(path, options, io));
}

async function stats(path: string, options: StatsOptions, io: CommandIo): Promise<void> {
  const { out, json } = options;
  if (out !== undefined && out !== '-' && !['.svg', '.png'].includes(extname(out).toLowerCase())) {
    throw new OptionError(
      `--out: expected a file that ends in .svg or .png, or -, found ${JSON.stringify(out)}`,
    );
  }
  if (out === '-' && json)
    throw new OptionError('--json: expected one thing on standard output, found --out - too');
  const [{ formats }, { StatisticsOfEvents }, report, { filteredChunks }] = await Promise.all([
    import('../streams/formats/index.ts'),
    import('../operators/event-statistics.ts'),
    import('../reports/statistics-report.ts'),
    import('../../pipelines/streaming/filtered-chunks.ts'),
  ]);
  const reading = readingOptions(options, formats);
  const input = await openInput(path, reading);
  const sensor = input.sensor ?? (await measuredSensor(path, input));
  const chain = await filterChain(options.filter, sensor);
  const statistics = new StatisticsOfEvents(chain.sensor ?? sensor);
  const progress = progressLine(io.err);
  const pass = input.chunks();
  const chunks: AsyncIterable<EventChunk> = options.filter.length === 0 ? pass : filteredChunks(pass, chain);
  let events = 0;
  try {
    for await (const chunk of chunks) {
      if (io.signal.aborted) break;
      statistics.push(chunk);
      events += chunk.t.length;
      progress.update(`${path}: ${events} events`);
    }
  } finally {
    progress.clear();
  }
  const shown = { title: path === '-' ? 'standard input' : path, ...statistics.result() };
  if (out !== undefined) await draw(shown, out, io);
  if (json) {
    const { pixels, title: _, on, ...rest } = shown;
    const active = pixels.reduce((count, each) => count + (each > 0 ? 1 : 0), 0);
    const busiest = report.busiestPixels(shown, BUSIEST);
    writeLine(io.out, {
      type: 'statistics',
      path,
      format: input.format.name,
      ...rest,
      on,
      off: rest.events - on,
      activePixels: active,
      busiest,
      counters: pass.counters,
    });
  } else if (out !== '-') io.out.write(report.statisticsText(shown));
}

async function draw(shown: StatisticsReport, out: string, io: CommandIo): Promise<void> {
  const [{ statisticsSvg }, { toPng }, { writeFileAtomic }] = await Promise.all([
    import('../reports/statistics-report.ts'),
    import('../reports/picture.ts'),
    import('../streams/atomic-file.ts'),
  ]);
  const svg = await statisticsSvg(shown);
  if (out === '-') {
    io.out.write(`${svg}\n`);
    return;
  }
  await writeFileAtomic(out, extname(out).toLowerCase() === '.svg' ? svg : await toPng(svg));
  io.err.write(`wrote ${out}\n`);
}
