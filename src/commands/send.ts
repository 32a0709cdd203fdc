import type { Command } from 'commander';
import { OptionError } from '../errors.ts';
import { progressLine } from '../reports/progress.ts';
import type { SendOptions } from '../streams/live/send.ts';
import { type CommandIo, writeLine } from './command-io.ts';
import { addFilterOption } from './filter-option.ts';
import { addReadingOptions, type ReadingOptions, readingOptions } from './recording-options.ts';
import { filterChain, parseSpeed } from './view-options.ts';

interface SendCommandOptions extends ReadingOptions {
  readonly speed: string;
  readonly rate?: string;
  readonly loop?: true;
  readonly protocol?: string;
  readonly timestamps: boolean;
  readonly packet?: string;
  readonly filter: readonly string[];
  readonly json?: true;
}

const help = `
DESTINATION is where a receiver is, or with ?listen where receivers connect to, as DV and cAER have it:
  udp://HOST:PORT    datagrams: spif (default), faery, faery-t32, jaer, caer, es
  tcp://HOST:PORT    a stream: dv (default), caer, jaer, or a file format such as aedat4, evt3, arrow, csv
  unix:PATH          the same by a unix socket
  ws://HOST:PORT     binary messages of any of them; spif by default
?protocol=NAME names the protocol; jaer also takes chip=DVS128 or DAVIS346 and endian=little. docs/live.md says who
speaks which. Nothing answers a datagram: a receiver that is too slow loses some, and counts them.

Examples:
  pipeline send walk.aedat udp://127.0.0.1:3333                       in real time, as a camera would
  pipeline send walk.aedat udp://127.0.0.1:8991?protocol=jaer --speed 0.5
  pipeline send walk.raw 'tcp://0.0.0.0:7777?listen' --loop           DV viewers and rxspike may connect
  pipeline send walk.es udp://127.0.0.1:3333 --rate 1000000 --json    a million events a second
  pipeline run live --model RUN --source udp://127.0.0.1:3333         the other side`;

/** `pipeline send FILE DESTINATION`: a recording as a live stream, as cameras' own tools send it. */
export function define(command: Command, io: CommandIo): void {
  command
    .argument('<file>', 'a recording of any supported format, or - for standard input')
    .argument('<destination>', 'udp://HOST:PORT, tcp://HOST:PORT, unix:PATH or ws://HOST:PORT')
    .option('--speed <N|max>', "times real time by the recording's clock", '1')
    .option('--rate <N>', 'events a second, instead of by the clock')
    .option('--loop', 'again and again until Ctrl-C; times go on')
    .option('--protocol <NAME>', 'as ?protocol=')
    .option('--no-timestamps', 'spif: leave the timestamps out, as AEStream does by default')
    .option('--packet <N>', "events of a full datagram or packet; as the protocol's own senders by default");
  addFilterOption(command);
  addReadingOptions(command)
    .option('--json', 'print JSON lines: where it listens, and what was sent')
    .addHelpText('after', help)
    .action((file: string, destination: string, options: SendCommandOptions) =>
      send(file, destination, options, io),
    );
}

async function send(
  file: string,
  destination: string,
  options: SendCommandOptions,
  io: CommandIo,
): Promise<void> {
  const [{ formats }, files, { repeated, sendEvents }, { filteredChunks }] = await Promise.all([
    import('../streams/formats/index.ts'),
    import('../streams/recording-file.ts'),
    import('../streams/live/send.ts'),
    import('../../pipelines/streaming/filtered-chunks.ts'),
  ]);
  const sending = sendingOptions(options);
  const to = withProtocol(destination, options.protocol);
  if (options.loop === true && file === '-') throw new OptionError('--loop: expected a file, found a pipe');
  const reading = readingOptions(options, formats);
  const recording =
    file === '-'
      ? await files.recordingFromPipe(process.stdin, reading)
      : await files.openRecording(file, reading);
  const chain = options.filter.length === 0 ? undefined : await filterChain(options.filter, recording.sensor);
  const sensor = chain === undefined ? recording.sensor : chain.sensor;
  if (sensor === undefined) {
    throw new OptionError(`${file}: the recording does not say the size of its sensor; give --sensor WxH`);
  }
  const opened = options.loop === true ? repeated(() => recording.chunks(), io.signal) : recording.chunks();
  const chunks = chain === undefined ? opened : filteredChunks(opened, chain);
  const progress = progressLine(io.err);
  const started = performance.now();
  let sent: Awaited<ReturnType<typeof sendEvents>>;
  try {
    sent = await sendEvents(chunks, to, {
      ...sending,
      sensor,
      signal: io.signal,
      onNote: progress.note,
      onListening: (address) => {
        if (options.json === true) writeLine(io.out, { type: 'listening', ...address });
      },
      onProgress: (events) => progress.update(`${destination}: ${events} events sent`),
    });
  } finally {
    progress.clear();
  }
  const seconds = Number(((performance.now() - started) / 1000).toFixed(3));
  if (options.json === true) {
    writeLine(io.out, { type: 'sent', in: file, out: destination, ...sent, seconds });
    return;
  }
  const words = [
    `${destination}: ${sent.events} events as ${sent.protocol} in ${seconds.toFixed(1)} s`,
    `${sent.datagrams} ${to.startsWith('udp:') ? 'datagrams' : 'packets'}, ${sent.bytes} bytes`,
    ...(sent.refused > 0 ? [`${sent.refused} datagrams refused: nobody listened`] : []),
    ...(sent.reconnections > 0 ? [`${sent.reconnections} times connected again`] : []),
  ];
  io.out.write(`${words.join('; ')}\n`);
}

function sendingOptions(options: SendCommandOptions): Omit<SendOptions, 'sensor'> {
  const { rate, packet, timestamps } = options;
  return {
    speed: parseSpeed(options.speed),
    timestamps,
    ...(rate === undefined ? {} : { eventsPerSecond: parseCount(rate, '--rate', Number.MAX_SAFE_INTEGER) }),
    ...(packet === undefined ? {} : { eventsPerPacket: parseCount(packet, '--packet', 65535) }),
  };
}

function parseCount(text: string, option: string, most: number): number {
  const count = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isInteger(count) && count > 0 && count <= most) return count;
  throw new OptionError(
    `${option}: expected a whole number from 1 to ${most}, found ${JSON.stringify(text)}`,
  );
}

function withProtocol(destination: string, protocol: string | undefined): string {
  if (protocol === undefined) return destination;
  return `${destination}${destination.includes('?') ? '&' : '?'}protocol=${encodeURIComponent(protocol)}`;
}
