import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Dashboard } from '../../src/dashboard/dashboard.ts';
import type { PageMessage } from '../../src/dashboard/messages.ts';
import type { EventChunk } from '../../src/events.ts';

/** A page's side of the stream, which keeps what it hears. */
export interface Client {
  readonly socket: WebSocket;
  readonly batches: readonly (readonly PageMessage[])[];
  readonly pictures: readonly Uint8Array[];
}

/** Opens the stream of a dashboard as its page does. */
export async function openClient({ url }: Pick<Dashboard, 'url'>): Promise<Client> {
  const { host, origin, search } = new URL(url);
  const socket = new WebSocket(`ws://${host}/stream${search}`, { origin });
  const batches: PageMessage[][] = [];
  const pictures: Uint8Array[] = [];
  socket.on('message', (data, isBinary) => {
    if (isBinary) pictures.push(data as Buffer);
    else batches.push(JSON.parse(data.toString()));
  });
  await once(socket, 'open');
  return { socket, batches, pictures };
}

/** Waits until something holds. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A chunk of events at these pixels, one every 10 us. */
export function eventsAt(
  pixels: readonly (readonly [x: number, y: number, on: number])[],
  origin = 0,
): EventChunk {
  return {
    origin,
    t: Uint32Array.from(pixels, (_, index) => 10 * index),
    x: Uint16Array.from(pixels, ([x]) => x),
    y: Uint16Array.from(pixels, ([, y]) => y),
    on: Uint8Array.from(pixels, ([, , on]) => on),
  };
}
