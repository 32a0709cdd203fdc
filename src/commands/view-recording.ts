import { basename, extname } from 'node:path';
import { filteredChunks } from '../../pipelines/streaming/filtered-chunks.ts';
import { filmEndings, writeFilm } from '../../pipelines/viewing/film.ts';
import { framesOf, sizeWithin } from '../../pipelines/viewing/frames-of.ts';
import { type PictureStyle, type PlaySummary, playFrames } from '../../pipelines/viewing/terminal-player.ts';
import { InputError, OptionError } from '../errors.ts';
import type { EventChunk, SensorSize } from '../events.ts';
import { progressLine } from '../reports/progress.ts';
import type { ColourDepth } from '../reports/view/half-blocks.ts';
import { formats } from '../streams/formats/index.ts';
import { type CommandIo, writeLine } from './command-io.ts';
import { measuredSensor, openInput } from './open-input.ts';
import { readingOptions } from './recording-options.ts';
import { filterChain, parseSpeed, type ViewOptions } from './view-options.ts';

/** Longer side of a film in pixels, as near as whole factors come. */
const FILM_PIXELS = 512;
/** Size of a character in pixels that sixel terminals have at least. */
const CHARACTER: SensorSize = { width: 8, height: 16 };

/** A recording that is shown: its filtered events, a pass at a time. */
interface Shown {
  readonly path: string;
  readonly sensor: SensorSize;
  chunks(): AsyncIterable<EventChunk>;
}

/** Shows a recording on the terminal, or in a file. */
export async function viewRecording(path: string, options: ViewOptions, io: CommandIo): Promise<void> {
  const { out } = options;
  if (out !== undefined && !filmEndings.some((ending) => extname(out).toLowerCase() === ending)) {
    throw new OptionError(`--out: expected a name that ends in ${filmEndings.join(', ')}, found ${out}`);
  }
  if (out === undefined && io.out.isTTY !== true) {
    throw new OptionError('expected a terminal to show it on, --out FILE to show it in a file, or --model');
  }
  if (path === '-' && options.loop && out === undefined) {
    throw new OptionError('--loop: expected a file, since standard input comes once');
  }
  const shown = await openShown(path, options);
  if (out === undefined) await showOnTerminal(shown, options, io);
  else await showInFile(shown, out, options, io);
}

async function openShown(path: string, options: ViewOptions): Promise<Shown> {
  const reading = readingOptions(options, formats);
  const recording = await openInput(path, reading);
  const sensor = recording.sensor ?? (await measuredSensor(path, recording));
  const chain = await filterChain(options.filter, sensor);
  return {
    path,
    sensor: chain.sensor ?? sensor,
    chunks: () => (options.filter.length === 0 ? recording.chunks() : again()),
  };
  // Filters remember: each pass has its own.
  async function* again(): AsyncGenerator<EventChunk> {
    yield* filteredChunks(recording.chunks(), await filterChain(options.filter, sensor));
  }
}

async function showOnTerminal(shown: Shown, options: ViewOptions, io: CommandIo): Promise<void> {
  const { out, signal, listenToKeys: typing } = io;
  const speed = parseSpeed(options.speed ?? '1');
  // What comes through standard input is no typing.
  const listenToKeys = shown.path === '-' ? undefined : typing;
  const style = await pictureStyle(options, io, listenToKeys);
  const [columns, rows] = [out.columns ?? 80, (out.rows ?? 24) - 1];
  const box =
    style === 'sixel'
      ? { width: columns * CHARACTER.width, height: (rows - 1) * CHARACTER.height }
      : { width: columns, height: 2 * rows };
  const size = sizeWithin(shown.sensor, box);
  const factor = Math.max(1, Math.floor(Math.min(box.width / size.width, box.height / size.height)));
  const drawn: PictureStyle =
    style === 'sixel' ? { kind: 'sixel', factor } : { kind: 'blocks', depth: style };
  const frameMicros = (1e6 * (speed === 'max' ? 1 : speed)) / parseFps(options.fps ?? '30');
  let summary: PlaySummary;
  do {
    const frames = framesOf(shown.chunks(), { sensor: shown.sensor, size, frameMicros, signal });
    summary = await playFrames(frames, out, {
      sensor: shown.sensor,
      size,
      style: drawn,
      speed,
      signal,
      title: basename(shown.path),
      ...(listenToKeys === undefined ? {} : { listenToKeys }),
    });
    if (summary.frames === 0) throw new InputError('expected events to show, found none', shown.path);
  } while (options.loop && !summary.stopped);
  const { frames, events, seconds } = summary;
  const line = {
    path: shown.path,
    frames,
    drawn: summary.drawn,
    events,
    seconds: Number(seconds.toFixed(3)),
  };
  if (options.json) writeLine(io.out, { type: 'view', ...line });
  else
    out.write(
      `${shown.path}: ${events} events in ${frames} pictures, ${line.drawn} of them drawn, ${seconds.toFixed(1)} s\n`,
    );
}

async function showInFile(shown: Shown, out: string, options: ViewOptions, io: CommandIo): Promise<void> {
  const { signal } = io;
  const fps = parseFps(options.fps ?? '25');
  const speed = parseSpeed(options.speed ?? '1');
  const { sensor, path } = shown;
  const factor = Math.max(1, Math.floor(FILM_PIXELS / Math.max(sensor.width, sensor.height)));
  const frameMicros = (1e6 * (speed === 'max' ? 1 : speed)) / fps;
  const progress = progressLine(io.err);
  try {
    const frames = framesOf(shown.chunks(), { sensor, size: sensor, frameMicros, signal });
    const pictures = await writeFilm(frames, out, {
      sensor,
      size: sensor,
      factor,
      fps,
      loop: options.loop === true,
      onProgress: (count) => progress.update(`${path}: ${count} pictures`),
    });
    progress.clear();
    if (options.json) writeLine(io.out, { type: 'film', path, out, pictures, fps });
    else io.out.write(`${out}: ${pictures} pictures\n`);
  } finally {
    progress.clear();
  }
}

function parseFps(text: string): number {
  const fps = text.trim() === '' ? Number.NaN : Number(text);
  if (fps >= 0.1 && fps <= 100_000) return fps;
  throw new OptionError(`--fps: expected a number from 0.1 to 100000, found ${JSON.stringify(text)}`);
}

async function pictureStyle(
  { picture }: ViewOptions,
  io: CommandIo,
  listenToKeys: CommandIo['listenToKeys'],
): Promise<'sixel' | ColourDepth> {
  if (picture === 'sixel' || (picture === 'auto' && (await showsSixels(io, listenToKeys)))) return 'sixel';
  const { NO_COLOR, COLORTERM = '', TERM = '' } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return 'none';
  if (/truecolor|24bit/i.test(COLORTERM)) return 'true';
  return TERM === 'dumb' ? 'none' : '256';
}

/** How long a terminal may think about what it is, in milliseconds. */
const ANSWER_MILLIS = 200;

/** Asks the terminal what it is (Primary Device Attributes): 4 in its answer stands for sixels. */
function showsSixels(io: CommandIo, listenToKeys: CommandIo['listenToKeys']): Promise<boolean> {
  if (listenToKeys === undefined) return Promise.resolve(false);
  return new Promise((resolve) => {
    let answer = '';
    const settle = (): void => {
      clearTimeout(timer);
      stop();
      resolve(/\[\?(?:\d+;)*4(?:;\d+)*c/.test(answer));
    };
    const timer = setTimeout(settle, ANSWER_MILLIS);
    const stop = listenToKeys((text) => {
      answer += text;
      if (answer.endsWith('c')) settle();
    });
    io.out.write('\u001b[c');
  });
}
