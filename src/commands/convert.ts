import { once } from 'node:events';
import { type Command, Option } from 'commander';
import { InputError, OptionError } from '../errors.ts';
import type { EventChunk, SensorSize } from '../events.ts';
import type { FilterChain } from '../operators/filters/index.ts';
import { type ProgressLine, progressLine } from '../reports/progress.ts';
import type { DecodedChunks, DecodedRecording } from '../streams/decoding.ts';
import type { AnyFormat, EncodeOptions, RecordingFormat } from '../streams/formats/format.ts';
import type { WriteOptions } from '../streams/recording-file.ts';
import { type CommandIo, writeLine } from './command-io.ts';
import { addFilterOption } from './filter-option.ts';
import { openInput } from './open-input.ts';
import { addReadingOptions, formatNamed, type ReadingOptions, readingOptions } from './recording-options.ts';

interface ConvertOptions extends ReadingOptions {
  readonly format?: string;
  readonly filter: readonly string[];
  readonly compression?: NonNullable<EncodeOptions['compression']>;
  readonly style?: NonNullable<EncodeOptions['textStyle']>;
  readonly json?: true;
}

const help = `
The format of OUT is told by its name, unless --format says it. - stands for standard input or output, which is Arrow
unless --format says otherwise. OUT appears when it is complete, in place of a file that was there. Events outside the
sensor are dropped, times that go back are raised to the time before them, and both are counted.

Examples:
  pipeline convert recording.raw recording.aedat4
  pipeline convert events.txt events.parquet --sensor 240x180
  pipeline convert recording.raw cropped.raw --filter crop:x=100,y=50,width=256,height=256 --filter denoise
  pipeline convert recording.raw - | pipeline stats -`;

/** `pipeline convert IN OUT`: a recording in another format, or a part of it, or filtered; in bounded memory. */
export function define(command: Command, io: CommandIo): void {
  command
    .argument('<in>', 'a recording of any supported format, or - for standard input')
    .argument('<out>', 'the file to write, or - for standard output')
    .option('--format <NAME>', 'format of OUT, where its name does not tell');
  addFilterOption(command);
  addReadingOptions(command)
    .addOption(
      new Option('--compression <NAME>', 'how AEDAT 4 is packed; lz4 by default').choices([
        'none',
        'lz4',
        'zstd',
      ]),
    )
    .addOption(
      new Option(
        '--style <NAME>',
        'how text is written: t,x,y,on (faery), x,y,p,t (metavision), t x y p in seconds (rpg); by default rpg for .txt, else faery',
      ).choices(['faery', 'metavision', 'rpg']),
    )
    .option('--json', 'print a JSON line')
    .addHelpText('after', help)
    .action((from: string, to: string, options: ConvertOptions) => convert(from, to, options, io));
}

/** Writes a recording in another format; `-` is standard input or output. */
export async function convert(
  from: string,
  to: string,
  options: ConvertOptions,
  io: CommandIo,
): Promise<void> {
  const [{ formats }, files, { FilterChain, parseFilter }] = await Promise.all([
    import('../streams/formats/index.ts'),
    import('../streams/recording-file.ts'),
    import('../operators/filters/index.ts'),
  ]);
  const filters = options.filter.map((text) => parseFilter(text));
  const format = outputFormat(to, options.format, formats);
  const reading = readingOptions(options, formats);
  const recording = await openInput(from, reading);
  const chain = filters.length === 0 ? undefined : new FilterChain(filters, recording.sensor);
  const pass = recording.chunks();
  const progress = progressLine(io.err);
  const state: Conversion = { pass, chain, events: 0, from, progress, signal: io.signal };
  const chunks = converted(state);
  const writing = writeOptions(to, format, recording, chain, options);
  let bytes: number;
  try {
    bytes =
      to === '-'
        ? await writePipe(files.encodeRecording(chunks, writing))
        : await files.writeRecording(to, chunks, writing);
  } finally {
    progress.clear();
  }
  const { backward, outOfRange, skipped } = pass.counters;
  const result = {
    out: to,
    format: format.name,
    events: state.events,
    bytes,
    backward,
    outOfRange,
    skipped,
    ...(chain === undefined
      ? {}
      : { filters: chain.steps.map(({ text, stage }) => ({ filter: text, ...stage.counters })) }),
  };
  const words = [
    `${to}: ${format.title}, ${state.events} events, ${bytes} bytes`,
    ...(backward > 0 ? [`${backward} times went back and were raised`] : []),
    ...(outOfRange > 0 ? [`${outOfRange} events outside the sensor dropped`] : []),
    ...(skipped > 0 ? [`${skipped} other records skipped`] : []),
    ...(chain?.steps ?? [])
      .filter(({ stage: { counters } }) => counters.out !== counters.in)
      .map(({ text, stage: { counters } }) => `${text} made ${counters.out} of ${counters.in}`),
  ];
  if (to === '-') return;
  if (options.json === true) writeLine(io.out, { type: 'conversion', in: from, ...result });
  else io.out.write(`${words.join('; ')}\n`);
}

function outputFormat(to: string, name: string | undefined, formats: readonly AnyFormat[]): RecordingFormat {
  const written = formats.filter(({ createEncoder }) => createEncoder !== undefined);
  if (name !== undefined) return formatNamed(name, written, '--format');
  if (to === '-') return formatNamed('arrow', written, '--format');
  const file = to.toLowerCase();
  const found = written.find(({ extensions = [] }) =>
    extensions.some((extension) => file.endsWith(extension)),
  );
  if (found !== undefined) return found;
  const readOnly = formats.find(({ extensions = [] }) =>
    extensions.some((extension) => file.endsWith(extension)),
  );
  if (readOnly !== undefined) throw new OptionError(`${to}: ${readOnly.title} can be read but not written`);
  const known = written.map(
    (format) => `${format.name} (${format.extensions?.[0] ?? 'no ending of its own'})`,
  );
  throw new OptionError(`${to}: its name tells no format; give --format, one of ${known.join(', ')}`);
}

/** Formats that say nothing of the sensor, so that it need not be known. */
const WITHOUT_SENSOR = new Set(['csv', 'nmnist']);

function writeOptions(
  to: string,
  format: RecordingFormat,
  recording: DecodedRecording,
  chain: FilterChain | undefined,
  { compression, style }: ConvertOptions,
): WriteOptions {
  const textStyle = style ?? (to.toLowerCase().endsWith('.txt') ? 'rpg' : 'faery');
  const sensor: SensorSize | undefined = chain === undefined ? recording.sensor : chain.sensor;
  if (sensor === undefined && (!WITHOUT_SENSOR.has(format.name) || textStyle === 'metavision')) {
    throw new OptionError(
      `${format.title} needs the size of the sensor, which the input does not say; give --sensor WxH`,
    );
  }
  return {
    format,
    sensor: sensor ?? { width: 65536, height: 65536 },
    simulated: recording.simulated,
    textStyle,
    ...(compression === undefined ? {} : { compression }),
  };
}

/** A conversion under way. */
interface Conversion {
  readonly pass: DecodedChunks;
  readonly chain: FilterChain | undefined;
  /** Events that were written. */
  events: number;
  readonly from: string;
  readonly progress: ProgressLine;
  readonly signal: AbortSignal;
}

/** The chunks through the filters, counted; a fault where the conversion is stopped, so that no part is kept. */
async function* converted(state: Conversion): AsyncGenerator<EventChunk> {
  const { pass, chain, from, progress, signal } = state;
  const ready: EventChunk[] = [];
  const emit = (chunk: EventChunk): void => {
    if (chunk.t.length > 0) ready.push(chunk);
  };
  const give = function* (): Generator<EventChunk> {
    for (const chunk of ready.splice(0)) {
      state.events += chunk.t.length;
      yield chunk;
    }
  };
  for await (const chunk of pass) {
    if (signal.aborted) throw new InputError('stopped: nothing was written', from);
    if (chain === undefined) emit(chunk);
    else chain.push(chunk, emit);
    yield* give();
    progress.update(`${from}: ${state.events} events`);
  }
  chain?.end(emit);
  yield* give();
}

/** Writes to standard output as fast as it is read; gives how much. */
async function writePipe(parts: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const part of parts) {
    bytes += part.length;
    if (!process.stdout.write(part)) await once(process.stdout, 'drain');
  }
  return bytes;
}
