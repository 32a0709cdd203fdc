import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../../errors.ts';
import { type EventChunk, sliceChunk } from '../../events.ts';
import { SpifEncoder, type SpifEncoding } from './spif.ts';
import { parseUdpUrl } from './udp.ts';

/** How events are sent. */
export interface SendOptions extends SpifEncoding {
  /** Pace in events a second; by default as fast as the socket takes them, which a receiver may not bear. */
  readonly eventsPerSecond?: number;
  readonly signal?: AbortSignal;
}

/** What was sent. */
export interface Sent {
  readonly events: number;
  readonly datagrams: number;
}

/** Sends events to `udp://HOST:PORT` as SPIF datagrams, in their order. */
export async function sendSpif(
  chunks: AsyncIterable<EventChunk> | Iterable<EventChunk>,
  url: string,
  { eventsPerSecond = Number.POSITIVE_INFINITY, signal, ...encoding }: SendOptions,
): Promise<Sent> {
  const { host, port } = parseUdpUrl(url);
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  const encoder = new SpifEncoder(encoding);
  const sent = { events: 0, datagrams: 0 };
  const started = performance.now();
  const send = async (queue: Uint8Array[]): Promise<void> => {
    for (const datagram of queue.splice(0)) {
      socket.send(datagram);
      sent.datagrams++;
      if (sent.datagrams % 8 === 0) await nextTurn(); // for a receiver in this process
    }
  };
  const keepPace = async (): Promise<void> => {
    const early = (sent.events / eventsPerSecond) * 1000 - (performance.now() - started);
    if (early > 1) await sleep(early, undefined, signal === undefined ? {} : { signal });
  };
  try {
    socket.connect(port, host);
    await once(socket, 'connect');
    socket.on('error', () => {}); // nobody listens: datagrams are lost, as they are on a real line
    const queue: Uint8Array[] = [];
    for await (const chunk of chunks) {
      for (let start = 0; start < chunk.t.length; start += 1024) {
        encoder.push(sliceChunk(chunk, start, start + 1024), (datagram) => queue.push(datagram));
        sent.events += Math.min(1024, chunk.t.length - start);
        await send(queue);
        await keepPace();
      }
      if (signal?.aborted) break;
    }
    encoder.end((datagram) => queue.push(datagram));
    await send(queue);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTFOUND' && code !== 'EAI_AGAIN') throw error;
    throw new InputError(`${url}: the host name is not known`, undefined, { cause: error });
  } finally {
    socket.close();
  }
  return sent;
}
