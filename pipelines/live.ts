import { engineNames } from '../src/engines/engine-names.ts';
import { OptionError } from '../src/errors.ts';
import type { LiveSource } from '../src/streams/live/live-source.ts';
import {
  choiceOption,
  definePipeline,
  integerOption,
  numberOption,
  type Pipeline,
  type PipelineContext,
  textOption,
} from './definition.ts';

const options = {
  model: textOption({
    placeholder: 'RUN[:NAME]',
    help: 'trained network that predicts; RUN is a run directory',
  }),
  source: textOption({
    placeholder: 'URL',
    help: 'where to listen for SPIF datagrams, as AEStream and SPIF boards send them',
    default: 'udp://127.0.0.1:3333',
  }),
  engine: choiceOption(engineNames, {
    help: 'tensor engine; see pipeline engines',
    default: 'auto',
  }),
  threads: integerOption({ help: 'threads of the engine; what it finds best by default', min: 1, max: 256 }),
  duration: numberOption({
    placeholder: 'SECONDS',
    help: 'end after this time; without it, at Ctrl-C',
    above: 0,
  }),
  idleTimeout: numberOption({
    placeholder: 'SECONDS',
    help: 'end when nothing has come for this time',
    above: 0,
  }),
  buffer: integerOption({
    help: 'events that wait at most for the network; the oldest are dropped beyond, and counted',
    default: 2 ** 20,
    min: 1,
    max: 2 ** 27,
  }),
};

/** `pipeline run live`: predictions of a trained network from events as they arrive. */
const live: Pipeline = definePipeline({
  name: 'live',
  summary: 'predict from a live event camera that sends datagrams',
  description:
    'Predicts from events as they arrive, a line for every window, with the membrane state carried from window to ' +
    'window. Events with timestamps are binned by them, others by their time of arrival; each event says which it ' +
    'is. Where the network is too slow the oldest events are dropped, and every dropped event is counted.',
  examples: [
    'live --model runs/nmnist-train-20250101-120000 --source udp://127.0.0.1:3333',
    'live --model RUN:ssnn --source udp://0.0.0.0:3333 --idle-timeout 5 --json',
  ],
  options,
  async run({ model: name, source: url, engine, threads, duration, idleTimeout, buffer }, context) {
    if (name === undefined) {
      throw new OptionError('--model: expected the run directory of a training, found none');
    }
    const [{ loadModel }, { predictStream }, { reportPredictions }, { liveSource }] = await Promise.all([
      import('./streaming/load-model.ts'),
      import('./streaming/predict-stream.ts'),
      import('./streaming/report-predictions.ts'),
      import('../src/streams/live/live-source.ts'),
    ]);
    const { signal, progress } = context;
    const model = await loadModel(name, { engine, threads });
    try {
      const source = await liveSource(url, {
        sensor: model.feed.sensor,
        signal,
        ringEvents: buffer,
        ...(duration === undefined ? {} : { durationMillis: 1000 * duration }),
        ...(idleTimeout === undefined ? {} : { idleMillis: 1000 * idleTimeout }),
      });
      try {
        const { address } = source;
        const listening = address === undefined ? url : `udp://${address.host}:${address.port}`;
        context.emit({
          type: 'listening',
          address: listening,
          bufferBytes: source.bufferBytes,
        });
        progress.note(`listening on ${listening}, network ${model.name}; Ctrl-C ends`);
        const stream = predictStream(source, model, { speed: 'max' });
        await reportPredictions(stream, source, model, context, {
          counters: () => source.counters,
          afterEach: dropNotes(source, context),
        });
      } finally {
        await source.close();
      }
    } finally {
      model.close();
    }
  },
});

export default live;

const NOTE_MILLIS = 1000;

/** Tells as it happens, at most once a second, that events are lost. */
function dropNotes(source: LiveSource, { emit, progress }: PipelineContext): () => void {
  let told = 0;
  let due = 0;
  return () => {
    if (performance.now() < due) return;
    due = performance.now() + NOTE_MILLIS;
    const { dropped, systemDrops = 0 } = source.counters;
    if (dropped + systemDrops === told) return;
    told = dropped + systemDrops;
    emit({ type: 'dropped', dropped, systemDrops });
    progress.note(`the network is too slow: ${dropped} events and ${systemDrops} datagrams dropped so far`);
  };
}
