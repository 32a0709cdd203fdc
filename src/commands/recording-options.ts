import { type Command, Option } from 'commander';
import { OptionError } from '../errors.ts';
import type { SensorSize } from '../events.ts';
import type { AnyFormat, TimeUnit } from '../streams/formats/format.ts';
import type { RecordingOptions } from '../streams/recording-file.ts';

/** Options of the commands that read recordings, as commander gives them. */
export interface ReadingOptions {
  readonly as?: string;
  readonly sensor?: string;
  readonly columns?: string;
  readonly timeUnit?: TimeUnit;
  readonly orientation?: 'jaer' | 'display';
  readonly from?: string;
  readonly to?: string;
}

/** Adds the options that say how a recording is to be read. */
export function addReadingOptions(command: Command): Command {
  return command
    .option('--as <FORMAT>', 'read the input as this format, whatever it looks like')
    .option('--sensor <WxH>', 'size of the sensor in pixels, where the input does not say, or is wrong')
    .option(
      '--columns <ORDER>',
      'order of the columns of text and NumPy: t, x, y, p, and - for others, as txyp',
    )
    .addOption(
      new Option('--time-unit <UNIT>', 'unit of times in text, NumPy and HDF5').choices([
        's',
        'ms',
        'us',
        'ns',
      ]),
    )
    .addOption(
      new Option('--orientation <NAME>', 'how a DVS128 file of AEDAT 2.0 is turned').choices([
        'jaer',
        'display',
      ]),
    )
    .option('--from <MICROS>', 'leave out events before this time of the recording')
    .option('--to <MICROS>', 'leave out events from this time of the recording on');
}

/** What those options mean; `formats` are those that `--as` chooses from. */
export function readingOptions(given: ReadingOptions, formats: readonly AnyFormat[]): RecordingOptions {
  const { columns, timeUnit, orientation } = given;
  return {
    ...(given.as === undefined ? {} : { format: formatNamed(given.as, formats, '--as') }),
    ...(given.sensor === undefined ? {} : { sensor: parseSensor(given.sensor) }),
    ...(given.from === undefined ? {} : { fromMicros: parseMicros(given.from, '--from') }),
    ...(given.to === undefined ? {} : { toMicros: parseMicros(given.to, '--to') }),
    ...(columns === undefined ? {} : { columns }),
    ...(timeUnit === undefined ? {} : { timeUnit }),
    ...(orientation === undefined ? {} : { orientation }),
  };
}

/** The format of a name; the error lists the names. */
export function formatNamed<F extends { readonly name: string }>(
  name: string,
  formats: readonly F[],
  option: string,
): F {
  const found = formats.find((format) => format.name === name.toLowerCase());
  if (found !== undefined) return found;
  const names = formats.map((format) => format.name).join(', ');
  throw new OptionError(`${option}: expected one of ${names}, found ${JSON.stringify(name)}`);
}

function parseSensor(text: string): SensorSize {
  const [, width, height] = /^(\d+)x(\d+)$/i.exec(text.trim()) ?? [];
  const size = { width: Number(width), height: Number(height) };
  const pixels = (value: number): boolean => value > 0 && value <= 65536;
  if (pixels(size.width) && pixels(size.height)) return size;
  throw new OptionError(`--sensor: expected WIDTHxHEIGHT, such as 346x260, found ${JSON.stringify(text)}`);
}

function parseMicros(text: string, option: string): number {
  const micros = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isSafeInteger(micros)) return micros;
  throw new OptionError(`${option}: expected whole microseconds, found ${JSON.stringify(text)}`);
}
