import { type Command, Option } from 'commander';
import { filmEndings } from '../../pipelines/viewing/film.ts';
import { type EngineName, engineNames } from '../engines/engine-names.ts';
import { OptionError } from '../errors.ts';
import type { CommandIo } from './command-io.ts';
import { addFilterOption } from './filter-option.ts';
import { pipelineContext } from './pipeline-context.ts';
import { addReadingOptions, readingOptions } from './recording-options.ts';
import { filterChain, parseSpeed, pictureKinds, type ViewOptions } from './view-options.ts';

interface ReplayOptions extends ViewOptions {
  readonly model?: string;
  readonly engine: EngineName;
}

const help = `
Without --model, the recording is shown: on the terminal as a moving picture (space: pause, q: quit), or with --out as
an animated GIF, as MP4 where ffmpeg is installed, as a PNG of pictures in rows, or as numbered PNG files.
With --model, a trained network predicts, a line for every window: RUN is the run directory of a training; its best
network is taken, RUN:NAME takes another.

Examples:
  pipeline replay walk.aedat
  pipeline replay walk.aedat --speed 0.1 --loop
  pipeline replay walk.aedat --from 1000000 --to 3000000 --out walk.gif
  pipeline replay walk.aedat --out 'pictures/%04d.png' --fps 100
  pipeline replay walk.aedat --model runs/cifar10dvs-train-20250101-120000
  pipeline replay walk.aedat --model RUN:ssnn --speed 1 --json`;

/** `pipeline replay FILE`: shows a recording, or sends it through a trained network with `--model RUN[:NAME]`. */
export function define(command: Command, io: CommandIo): void {
  command
    .argument('<file>', 'a recording of any supported format; - for standard input, to show it')
    .option('--model <RUN[:NAME]>', 'trained network that predicts')
    .option(
      '--speed <N|max>',
      'multiple of real time, such as 0.5, 1 or 4; by default 1 to show, max to predict',
    )
    .option('--out <FILE>', `show it in a file, whose name ends in ${filmEndings.join(', ')}`)
    .option('--fps <N>', 'pictures a second; 25 by default, in a terminal 30')
    .option('--loop', 'show it again and again')
    .addOption(
      new Option('--picture <KIND>', 'how a terminal shows pictures; auto asks it for sixels')
        .choices(pictureKinds)
        .default('auto'),
    );
  addFilterOption(command);
  addReadingOptions(command)
    .addOption(
      new Option('--engine <NAME>', 'tensor engine; see pipeline engines')
        .choices(engineNames)
        .default('auto'),
    )
    .option('--json', 'print JSON lines')
    .addHelpText('after', help)
    .action(async (path: string, options: ReplayOptions) => {
      const { model } = options;
      if (model !== undefined) return replay(path, { ...options, model }, io);
      const { viewRecording } = await import('./view-recording.ts');
      return viewRecording(path, options, io);
    });
}

async function replay(
  path: string,
  options: ReplayOptions & { readonly model: string },
  io: CommandIo,
): Promise<void> {
  for (const name of ['out', 'fps', 'loop'] as const) {
    if (options[name] !== undefined)
      throw new OptionError(`--${name}: shows a recording, which --model does not`);
  }
  const speed = parseSpeed(options.speed ?? 'max');
  const context = pipelineContext(io, options.json === true);
  const { signal, progress } = context;
  const [{ formats }, { openRecording }] = await Promise.all([
    import('../streams/formats/index.ts'),
    import('../streams/recording-file.ts'),
  ]);
  const reading = readingOptions(options, formats);
  await openRecording(path, reading); // a wrong path is told before an engine starts
  const [{ loadModel }, { filteredChunks }, { predictStream }, { reportPredictions }] = await Promise.all([
    import('../../pipelines/streaming/load-model.ts'),
    import('../../pipelines/streaming/filtered-chunks.ts'),
    import('../../pipelines/streaming/predict-stream.ts'),
    import('../../pipelines/streaming/report-predictions.ts'),
  ]);
  const model = await loadModel(options.model, options);
  try {
    const { orientation = model.feed.orientation } = options;
    const recording = await openRecording(path, {
      ...reading,
      ...(orientation === undefined ? {} : { orientation }),
    });
    const sensor = recording.sensor ?? model.feed.sensor;
    const chain = await filterChain(options.filter, sensor);
    let pass: ReturnType<typeof recording.chunks> | undefined;
    const source = {
      ...recording,
      sensor: chain.sensor ?? sensor,
      chunks: () => {
        pass = recording.chunks();
        return filteredChunks(pass, chain);
      },
    };
    const stream = predictStream(source, model, { speed, signal });
    const [found, trained] = [source.sensor, model.feed.sensor].map(
      ({ width, height }) => `${width} x ${height}`,
    );
    if (found !== trained) {
      progress.note(`${path}: sensor ${found} is scaled; the network was trained on ${trained}`);
    }
    await reportPredictions(stream, source, model, context, {
      counters: () => {
        const { events: _, ...rest } = pass?.counters ?? { events: 0 };
        return rest;
      },
    });
  } finally {
    progress.clear();
    model.close();
  }
}
