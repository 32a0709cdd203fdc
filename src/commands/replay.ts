import { type Command, Option } from 'commander';
import { type EngineName, engineNames } from '../engines/engine-names.ts';
import { OptionError } from '../errors.ts';
import type { CommandIo } from './command-io.ts';
import { pipelineContext } from './pipeline-context.ts';

interface ReplayOptions {
  readonly model: string;
  readonly speed: string;
  readonly engine: EngineName;
  readonly orientation?: 'jaer' | 'display';
  readonly json?: true;
}

const help = `
RUN is the run directory of a training; its best network is taken, RUN:NAME takes another.

Examples:
  pipeline replay walk.aedat --model runs/cifar10dvs-train-20250101-120000
  pipeline replay walk.aedat --model RUN:ssnn --speed 1 --json`;

/** `pipeline replay FILE --model RUN[:NAME]`: a recorded file through a trained network, a line for every window. */
export function define(command: Command, io: CommandIo): void {
  command
    .argument('<file>', 'a recording of any supported format')
    .requiredOption('--model <RUN[:NAME]>', 'trained network that predicts')
    .option('--speed <N|max>', 'multiple of real time, such as 0.5, 1 or 4', 'max')
    .addOption(
      new Option('--engine <NAME>', 'tensor engine; see pipeline engines')
        .choices(engineNames)
        .default('auto'),
    )
    .addOption(
      new Option(
        '--orientation <NAME>',
        'how a DVS128 file of AEDAT 2.0 is turned; as in the training where the run says so, else jaer',
      ).choices(['jaer', 'display']),
    )
    .option('--json', 'print JSON lines')
    .addHelpText('after', help)
    .action((path: string, options: ReplayOptions) => replay(path, options, io));
}

async function replay(path: string, options: ReplayOptions, io: CommandIo): Promise<void> {
  const speed = parseSpeed(options.speed);
  const context = pipelineContext(io, options.json === true);
  const { signal, progress } = context;
  const { openRecording } = await import('../streams/recording-file.ts');
  await openRecording(path); // a wrong path is told before an engine starts
  const [{ loadModel }, { predictStream }, { reportPredictions }] = await Promise.all([
    import('../../pipelines/streaming/load-model.ts'),
    import('../../pipelines/streaming/predict-stream.ts'),
    import('../../pipelines/streaming/report-predictions.ts'),
  ]);
  const model = await loadModel(options.model, options);
  try {
    const { orientation = model.feed.orientation } = options;
    const recording = await openRecording(path, orientation === undefined ? {} : { orientation });
    let pass: ReturnType<typeof recording.chunks> | undefined;
    const source = {
      ...recording,
      sensor: recording.sensor ?? model.feed.sensor,
      chunks: () => {
        pass = recording.chunks();
        return pass;
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

function parseSpeed(text: string): number | 'max' {
  if (text === 'max') return 'max';
  const speed = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(speed) && speed > 0) return speed;
  throw new OptionError(`--speed: expected max or a number above 0, found ${JSON.stringify(text)}`);
}
