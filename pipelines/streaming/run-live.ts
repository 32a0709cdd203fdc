import type { Dashboard } from '../../src/dashboard/dashboard.ts';
import { OptionError } from '../../src/errors.ts';
import { type LiveSource, liveSource } from '../../src/streams/live/live-source.ts';
import { parseAddress } from '../../src/streams/live/source-address.ts';
import { openDashboard } from '../dashboard/open-dashboard.ts';
import type { OptionValues, PipelineContext } from '../definition.ts';
import type { CameraSource } from './camera-stream.ts';
import { type Closing, withClosing } from './closing.ts';
import { inferLive, type LiveInference, type LiveInferenceOptions } from './live-inference.ts';
import type { LiveOptions } from './live-options.ts';
import { type LoadedModel, loadModel } from './load-model.ts';
import { type OutputContext, openOutput, type PredictionOutput } from './outputs/output.ts';
import { reportLive } from './report-live.ts';
import { type CameraSnapshot, decodeSnapshot } from './snapshot.ts';
import { readSnapshot, SnapshotFile } from './snapshot-file.ts';
import { warmUp } from './warm-up.ts';

/** The options of a live run. */
export type LiveValues = OptionValues<LiveOptions>;

/** Windows that `--overflow merge` makes one of, at most. */
const MERGE_MOST = 16;

/** Predicts from live sources until they end or the run is asked to. */
export async function runLive(values: LiveValues, context: PipelineContext): Promise<void> {
  await withClosing((closing) => predictLive(values, context, closing));
  // To be stopped is how a live run ends well.
  if (context.signal.aborted) context.requestExit(0);
}

async function predictLive(values: LiveValues, context: PipelineContext, closing: Closing): Promise<void> {
  const { model: name, engine, threads, bin, snapshot } = values;
  const { progress } = context;
  if (name === undefined) {
    throw new OptionError('--model: expected the run directory of a training, found none');
  }
  for (const url of values.source) parseAddress(url); // a wrong one is told before an engine starts
  const binMicros = bin === undefined ? undefined : 1000 * bin;
  const model = await loadModel(name, { engine, threads, binMicros });
  closing.later(() => model.close());
  const restore = await savedState(snapshot, model);
  await warmUp(model, { streams: values.source.length, operations: values.operations });
  const about = { kind: 'live', title: `live: ${model.name}` } as const;
  const dashboard = await openDashboard(values, about, context);
  if (dashboard !== undefined) closing.later(() => dashboard.close());
  const running: Running = {};
  const commands = commandsOf(running, context, dashboard);
  const outputs = await openOutputs(values, { model, cameras: values.source, commands }, closing);
  for (const { place } of outputs) context.emit({ type: 'output', place });
  const resetAll = (): void => commands.reset();
  process.on('SIGUSR2', resetAll);
  closing.later(() => void process.off('SIGUSR2', resetAll));
  // Sources last: from now on events come, and time runs.
  const sources: LiveSource[] = [];
  for (const url of values.source) {
    const source = await openSource(url, model, values, context);
    sources.push(source);
    closing.later(() => source.close());
    const { id: camera, sensor, simulated } = source;
    const { classNames } = model.feed;
    dashboard?.publish({ type: 'camera', camera, sensor, classNames, model: model.name, simulated });
  }
  const cameras = dashboard === undefined ? sources : sources.map((source) => pictured(source, dashboard));
  const inference = inferLive(cameras, model, {
    ...inferenceOptions(values),
    ...(restore !== undefined && { restore }),
    ...(dashboard !== undefined && { raster: () => dashboard.viewers > 0 }),
  });
  running.inference = inference;
  closing.later(() => inference.close());
  if (restore !== undefined) {
    progress.note(`${snapshot}: ${inference.restored.length} of ${sources.length} go on`);
  }
  if (snapshot !== undefined) {
    const file = new SnapshotFile(snapshot, inference, progress.note);
    running.file = file;
    closing.later(() => file.close());
    file.every(1000 * values.snapshotEvery);
  }
  await reportLive(inference, cameras, model, { context, outputs, dashboard });
}

/** What there is to command, once there is. */
interface Running {
  inference?: LiveInference;
  file?: SnapshotFile;
}

/** What a signal or a client may ask for. */
function commandsOf(
  running: Running,
  { emit, progress }: PipelineContext,
  dashboard: Dashboard | undefined,
): OutputContext['commands'] {
  return {
    reset: (camera) => {
      running.inference?.reset(camera);
      emit({ type: 'reset', ...(camera !== undefined && { camera }) });
      const text = `state reset${camera === undefined ? '' : ` of ${camera}`}`;
      progress.note(text);
      dashboard?.publish({ type: 'note', text });
    },
    snapshot: () => void running.file?.write(),
  };
}

function inferenceOptions(values: LiveValues): LiveInferenceOptions {
  const { reset, silence, lateness, overflow, operations, halfLife, enter, leave } = values;
  return {
    decision: { halfLifeMicros: 1000 * halfLife, enter, leave },
    latenessMillis: lateness,
    mergeMost: overflow === 'merge' ? MERGE_MOST : 1,
    resetEachWindow: reset === 'window',
    operations,
    ...(reset === 'silence' && { silenceMicros: 1000 * silence }),
  };
}

async function openSource(
  url: string,
  model: LoadedModel,
  { duration, idleTimeout, buffer, overflow, thin }: LiveValues,
  { signal, progress, emit }: PipelineContext,
): Promise<LiveSource> {
  const source = await liveSource(url, {
    sensor: model.feed.sensor,
    signal,
    ringEvents: buffer,
    overflow,
    thinFactor: thin,
    onNote: (text) => progress.note(text),
    ...(duration === undefined ? {} : { durationMillis: 1000 * duration }),
    ...(idleTimeout === undefined ? {} : { idleMillis: 1000 * idleTimeout }),
  });
  const { address, bufferBytes } = source;
  const listens = address && `${url.slice(0, url.indexOf(':'))}://${hostOf(address.host)}:${address.port}`;
  emit({
    type: 'listening',
    camera: url,
    ...(listens !== undefined && { address: listens }),
    ...(bufferBytes !== undefined && { bufferBytes }),
  });
  progress.note(
    `${listens === undefined ? `reading ${url}` : `listening on ${listens}`}, network ${model.name}; Ctrl-C ends`,
  );
  return source;
}

function hostOf(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** The same source, its events drawn as they are read. */
function pictured(source: LiveSource, dashboard: Dashboard): CameraSource {
  const { id, sensor, simulated } = source;
  return {
    id,
    sensor,
    simulated,
    get counters() {
      return source.counters;
    },
    arrivalOf: (micros) => source.arrivalOf(micros),
    async *chunks() {
      for await (const chunk of source.chunks()) {
        dashboard.picture(id, chunk);
        yield chunk;
      }
    },
  };
}

/** What an earlier run left in the file of snapshots; undefined where none did. */
async function savedState(
  path: string | undefined,
  model: LoadedModel,
): Promise<CameraSnapshot[] | undefined> {
  const bytes = path === undefined ? undefined : await readSnapshot(path);
  return bytes === undefined ? undefined : decodeSnapshot(bytes, model, path!);
}

async function openOutputs(
  { out = [] }: LiveValues,
  context: OutputContext,
  closing: Closing,
): Promise<PredictionOutput[]> {
  const outputs: PredictionOutput[] = [];
  for (const target of out) {
    const output = await openOutput(target, context);
    closing.later(() => output.close());
    outputs.push(output);
  }
  return outputs;
}
