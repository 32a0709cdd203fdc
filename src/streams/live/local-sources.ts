import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, OptionError, RxspikeError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';
import { openRecording } from '../recording-file.ts';
import { shapeImage } from '../shapes.ts';
import { DvsSimulator } from '../simulator.ts';
import type { Intake } from './intake.ts';
import { type Pace, pacedSlices, pause } from './pace.ts';
import { prepare } from './receive.ts';
import { nowMicros, Reception } from './reception.ts';
import type { EventRing } from './ring.ts';
import type { AddressOptions } from './source-address.ts';
import type { TransportHooks } from './transports/transport.ts';

/** What a source on this machine feeds, and what it hears. */
export interface LocalSink {
  readonly intake: Intake;
  readonly ring: EventRing;
  readonly hooks: TransportHooks;
  /** Fulfilled when the ring has room: what loses nothing waits for it. */
  readonly room: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** A source on this machine, opened: what is known of it, and what feeds it until it is over. */
export interface LocalSource {
  readonly sensor?: SensorSize;
  readonly simulated: boolean;
  feed(sink: LocalSink): Promise<void>;
}

/** Bytes of a pipe that are decoded at a time. */
const SLICE_BYTES = 1 << 14;
/** A stream whose format no magic tells is looked at again after so many milliseconds. */
const SETTLE_MILLIS = 500;
/** Milliseconds between looks into a watched folder; a file that has not grown since the last is complete. */
const LOOK_MILLIS = 500;

/** A recording, in real time unless a speed is given, or a folder that is watched for new ones. */
export async function pathSource(path: string, options: AddressOptions): Promise<LocalSource> {
  const found = await stat(path).catch((cause: Error) => {
    throw new InputError('a recording or a folder expected, found nothing there', path, { cause });
  });
  if (found.isDirectory()) return folderSource(path, options);
  const recording = await openRecording(path);
  const { speed = 1, loop = false } = options;
  return {
    ...(recording.sensor === undefined ? {} : { sensor: recording.sensor }),
    simulated: recording.simulated,
    feed: async (sink) => {
      do {
        const events = await playChunks(recording.chunks(), speed, sink);
        if (events === 0) return;
      } while (loop && !sink.signal.aborted);
    },
  };
}

/** Recordings that appear in a folder, one after another, as fast as they are taken unless a speed is given. */
function folderSource(path: string, { speed = 'max', loop }: AddressOptions): LocalSource {
  if (loop === true) throw new OptionError(`${path}: loop: expected a file, found a folder`);
  return {
    simulated: false,
    feed: async (sink) => {
      const there = await filesIn(path);
      const played = new Map(there);
      for (let before = there; !sink.signal.aborted; ) {
        await pause(LOOK_MILLIS, sink.signal);
        const now = await filesIn(path);
        for (const name of played.keys()) if (!now.has(name)) played.delete(name);
        for (const [name, state] of now) {
          if (sink.signal.aborted || played.get(name) === state || before.get(name) !== state) continue;
          played.set(name, state);
          await playFile(join(path, name), speed, sink);
        }
        before = now;
      }
    },
  };
}

async function playFile(path: string, speed: number | 'max', sink: LocalSink): Promise<void> {
  try {
    sink.hooks.onNote(`${path}: a new recording`);
    await playChunks((await openRecording(path)).chunks(), speed, sink);
  } catch (error) {
    if (!(error instanceof RxspikeError)) throw error;
    sink.intake.tally.add('malformed');
    sink.hooks.onNote(error.message);
  }
}

/** Names of the files of a folder with their size and time; hidden and temporary ones are not yet there. */
async function filesIn(path: string): Promise<Map<string, string>> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isFile() && !/^\.|\.(tmp|part)$/.test(entry.name));
  const files = new Map<string, string>();
  for (const { name } of names.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const state = await stat(join(path, name)).catch(() => undefined);
    if (state !== undefined && state.size > 0) files.set(name, `${state.size} ${state.mtimeMs}`);
  }
  return files;
}

/** Simulated recordings of moving shapes without end, in real time unless a speed is given. */
export function simulationSource(sensor: SensorSize, { speed = 1, seed = 0 }: AddressOptions): LocalSource {
  const simulator = new DvsSimulator({ sensor, seed });
  return {
    sensor,
    simulated: true,
    feed: async (sink) => {
      for (let index = 0; !sink.signal.aborted; index++) {
        await playChunks(simulator.record(shapeImage(index, { size: sensor, seed })), speed, sink);
      }
    },
  };
}

/** Standard input, or another pipe: whoever writes waits where the consumer is slow, and nothing is lost. */
export function pipeSource(pipe: AsyncIterable<Uint8Array>, options: AddressOptions): LocalSource {
  return {
    simulated: false,
    feed: async (sink) => {
      const { intake, hooks, room, signal } = sink;
      await prepare(options.protocol);
      const reception = new Reception(intake, 'bytes', { ...options, sensor: intake.sensor }, hooks);
      const blocks = pipe[Symbol.asyncIterator]();
      let failure: { readonly error: unknown } | undefined;
      let end = (): void => {};
      // A new promise for each block: one that lived as long as the pipe would collect what waits for it.
      const next = (): Promise<IteratorResult<Uint8Array> | undefined> =>
        new Promise((resolve, reject) => {
          end = () => resolve(undefined);
          blocks.next().then(resolve, reject);
        });
      signal.addEventListener('abort', () => end(), { once: true });
      const settling = setInterval(() => {
        try {
          reception.settle(false);
        } catch (error) {
          failure = { error };
          end();
        }
      }, SETTLE_MILLIS);
      try {
        for (let block = await next(); block?.done === false && !signal.aborted; block = await next()) {
          for (let at = 0; at < block.value.length && !signal.aborted; at += SLICE_BYTES) {
            reception.bytes(block.value.subarray(at, at + SLICE_BYTES));
            while (!intake.release() && !signal.aborted) await room();
          }
        }
        if (failure !== undefined) throw failure.error;
        reception.settle(true);
        reception.restart();
        while (!intake.release() && !signal.aborted) await room();
      } finally {
        clearInterval(settling);
        intake.releaseAll();
        // Else a writer that is silent would keep the process alive.
        (pipe as { destroy?: () => void }).destroy?.();
      }
    },
  };
}

/** Feeds the events of a recording, its time joined to what came before; gives how many there were. */
async function playChunks(
  chunks: AsyncIterable<EventChunk> | Iterable<EventChunk>,
  speed: number | 'max',
  { intake, ring, room, signal }: LocalSink,
): Promise<number> {
  const pace: Pace = { speed, signal, mostEvents: Math.max(1, Math.min(16384, ring.capacity >>> 1)) };
  let events = 0;
  intake.join();
  for await (const slice of pacedSlices(chunks, pace)) {
    if (speed === 'max') await room();
    intake.begin(nowMicros());
    intake.chunk(slice);
    intake.commit();
    events += slice.t.length;
  }
  return events;
}
