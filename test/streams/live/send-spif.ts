import type { EventChunk } from '../../../src/events.ts';
import { type SendOptions, type Sent, sendEvents } from '../../../src/streams/live/send.ts';

/** SPIF says no size. */
const ANY_SIZE = { width: 32768, height: 32768 };

/** Sends events to `udp://HOST:PORT` as SPIF datagrams, in their order; by default as fast as the socket takes them. */
export function sendSpif(
  chunks: AsyncIterable<EventChunk> | Iterable<EventChunk>,
  url: string,
  options: Omit<SendOptions, 'sensor'>,
): Promise<Sent> {
  return sendEvents(chunks, url, { ...options, sensor: ANY_SIZE });
}
