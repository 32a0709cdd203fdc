import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { InputError, OptionError } from '../../errors.ts';
import type { SensorSize } from '../../events.ts';
import { Intake } from './intake.ts';
import { receive } from './receive.ts';
import type { ThreadMessage, ThreadTask } from './receive-thread.ts';
import type { EventRing, RingOptions } from './ring.ts';
import type { Tally } from './tally.ts';
import type { Receiving, TransportHooks } from './transports/transport.ts';

/** What receiving needs; ring and tally are written to. */
export interface ReceiverTask {
  readonly address: ThreadTask['address'];
  readonly sensor: SensorSize;
  readonly bufferBytes: number;
  readonly ring: EventRing;
  readonly ringOptions: RingOptions;
  readonly tally: Tally;
}

/** `receive`, with a call when the consumer of the ring waits and something has come. */
export interface ReceiverHooks extends TransportHooks {
  readonly onEvents: () => void;
  /** The thread has failed, by a fault of ours; nothing comes any more. */
  readonly onFailure: (error: unknown) => void;
}

const entry = new URL(`./receive-thread${import.meta.url.slice(-3)}`, import.meta.url);

/** True where this Node can start a thread from this file: not where it is TypeScript that a tool has translated. */
export function canStartThread(): boolean {
  const { typescript } = process.features as { typescript?: string | false };
  return entry.pathname.endsWith('.js') || Boolean(typescript);
}

/** Receives on this thread. */
export function receiveHere(task: ReceiverTask, hooks: ReceiverHooks): Promise<Receiving> {
  const intake = new Intake(task.sensor, task.ring, task.tally, hooks.onEvents);
  return receive(task.address, task.bufferBytes, intake, hooks);
}

/** Receives on a thread of its own. */
export async function receiveOnThread(task: ReceiverTask, hooks: ReceiverHooks): Promise<Receiving> {
  const { address, sensor, bufferBytes, ring, ringOptions, tally } = task;
  const workerData: ThreadTask = {
    address,
    sensor,
    bufferBytes,
    ringOptions,
    capacity: ring.capacity,
    ring: ring.shared,
    tally: tally.shared,
  };
  const worker = new Worker(entry, { workerData });
  let systemDrops: number | undefined;
  const ready = new Promise<Extract<ThreadMessage, { type: 'ready' }>>((resolve, reject) => {
    worker.once('error', reject);
    worker.on('message', (message: ThreadMessage) => {
      if (message.type === 'events') hooks.onEvents();
      else if (message.type === 'note') hooks.onNote(message.text);
      else if (message.type === 'recognised') hooks.onRecognised(message.protocol);
      else if (message.type === 'ready') resolve(message);
      else if (message.type === 'ended') systemDrops = message.systemDrops;
      else reject(errorOf(message));
    });
  });
  const { address: bound, bufferBytes: granted } = await ready;
  worker.on('error', hooks.onFailure);
  const exited = once(worker, 'exit');
  return {
    ...(bound === undefined ? {} : { address: bound }),
    ...(granted === undefined ? {} : { bufferBytes: granted }),
    drain: async () => {}, // it has read all along
    close: async () => {
      worker.postMessage('stop');
      await exited;
      return systemDrops;
    },
  };
}

function errorOf({ kind, message }: { readonly kind: string; readonly message: string }): Error {
  if (kind === 'InputError') return new InputError(message);
  return kind === 'OptionError' ? new OptionError(message) : new Error(message);
}
