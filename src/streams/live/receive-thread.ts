/**
 * The thread on which sockets are read: what arrives is taken and dated at once, whatever the main thread computes.
 * It writes to the ring and the tally that both share, and tells little else.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { SensorSize } from '../../events.ts';
import { Intake } from './intake.ts';
import { receive } from './receive.ts';
import type { LiveProtocol } from './reception.ts';
import { EventRing, type RingOptions } from './ring.ts';
import { Tally } from './tally.ts';
import type { BoundAddress } from './transports/transport.ts';

/** What the thread is given. */
export interface ThreadTask {
  readonly address: Parameters<typeof receive>[0];
  readonly sensor: SensorSize;
  readonly bufferBytes: number;
  readonly capacity: number;
  readonly ringOptions: RingOptions;
  readonly ring: SharedArrayBuffer;
  readonly tally: SharedArrayBuffer;
}

/** What the thread tells. */
export type ThreadMessage =
  | { readonly type: 'ready'; readonly address?: BoundAddress; readonly bufferBytes?: number }
  | { readonly type: 'failed'; readonly kind: string; readonly message: string }
  | { readonly type: 'events' }
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'recognised'; readonly protocol: LiveProtocol }
  | { readonly type: 'ended'; readonly systemDrops?: number };

async function run(port: MessagePort, task: ThreadTask): Promise<void> {
  const tell = (message: ThreadMessage): void => port.postMessage(message);
  const ring = new EventRing(task.capacity, task.ringOptions, task.ring);
  const intake = new Intake(task.sensor, ring, new Tally(task.tally), () => tell({ type: 'events' }));
  try {
    const receiving = await receive(task.address, task.bufferBytes, intake, {
      onNote: (text) => tell({ type: 'note', text }),
      onRecognised: (protocol) => tell({ type: 'recognised', protocol }),
    });
    const { address, bufferBytes } = receiving;
    tell({
      type: 'ready',
      ...(address === undefined ? {} : { address }),
      ...(bufferBytes === undefined ? {} : { bufferBytes }),
    });
    port.once('message', async () => {
      await receiving.drain();
      const systemDrops = await receiving.close();
      tell({ type: 'ended', ...(systemDrops === undefined ? {} : { systemDrops }) });
      port.close();
    });
  } catch (error) {
    const { name, message } = error as Error;
    tell({ type: 'failed', kind: name, message });
    port.close();
  }
}

if (parentPort !== null) await run(parentPort, workerData as ThreadTask);
