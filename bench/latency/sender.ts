/**
 * The sender of bench/live-latency.ts, a process of its own: events at the pace of their own clock as SPIF datagrams, a
 * datagram every millisecond that has events, as a camera's driver hands them on. At its end it prints what was sent
 * when: for each datagram the times of its events and of its sending.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { allocateChunk, type EventChunk, sliceChunk } from '../../src/events.ts';
import { openNmnist } from '../../src/streams/datasets/nmnist.ts';
import { protocolNamed } from '../../src/streams/live/protocols/index.ts';
import { monotonicMillis } from './clock.ts';

/** What was sent: a row a datagram. */
export interface SentLog {
  readonly events: number;
  /** Times of the datagram's first and last event in microseconds. */
  readonly firstMicros: readonly number[];
  readonly lastMicros: readonly number[];
  /** When it was handed to the system, on the clock that all processes share. */
  readonly sentMillis: readonly number[];
}

const MOST_RECORDINGS = 50;

/** Recordings of N-MNIST's test set; without its path one of a dot that circles, at the rate of N-MNIST. */
async function recordingsOf(path: string | undefined): Promise<readonly (readonly EventChunk[])[]> {
  if (path === undefined) return [[circlingDot(10, 13_000)]];
  const dataset = await openNmnist(path);
  const recordings: EventChunk[][] = [];
  for (const recording of (dataset.parts.test ?? []).slice(0, MOST_RECORDINGS)) {
    const chunks: EventChunk[] = [];
    for await (const chunk of recording.chunks()) chunks.push(chunk);
    recordings.push(chunks);
  }
  await dataset.close();
  return recordings;
}

function circlingDot(seconds: number, eventsPerSecond: number): EventChunk {
  const chunk = allocateChunk(0, seconds * eventsPerSecond);
  for (let i = 0; i < chunk.t.length; i++) {
    const angle = (2 * Math.PI * i) / eventsPerSecond;
    chunk.t[i] = Math.floor((i * 1e6) / eventsPerSecond);
    chunk.x[i] = Math.round(16 + 11 * Math.cos(angle)) + ((i * 7) % 5) - 2;
    chunk.y[i] = Math.round(16 + 11 * Math.sin(angle)) + ((i * 3) % 5) - 2;
    chunk.on[i] = (i >> 2) & 1;
  }
  return chunk;
}

const [port, seconds, path] = process.argv.slice(2);
const recordings = await recordingsOf(path);
const socket = createSocket('udp4');
socket.connect(Number(port), '127.0.0.1');
await once(socket, 'connect');
socket.on('error', () => {}); // a receiver that is gone loses what is sent
const encoder = protocolNamed('spif', 'datagrams').createEncoder({
  sensor: { width: 32768, height: 32768 },
  carrier: 'datagrams',
  eventsPerPacket: 128,
});
const [firstMicros, lastMicros, sentMillis]: [number[], number[], number[]] = [[], [], []];
let events = 0;
const started = performance.now();

/** Sends what has happened until now; the first event that has not, or the chunk's length. */
function sendDue(chunk: EventChunk, from: number, shift: number): number {
  const nowMicros = 1000 * (performance.now() - started) - shift;
  let to = from;
  while (to < chunk.t.length && chunk.origin + chunk.t[to]! <= nowMicros) to++;
  for (let at = from; at < to; at += 128) {
    const slice = sliceChunk(chunk, at, Math.min(to, at + 128));
    encoder.push({ ...slice, origin: slice.origin + shift }, send);
    encoder.end(send);
    firstMicros.push(slice.origin + shift + slice.t[0]!);
    lastMicros.push(slice.origin + shift + slice.t.at(-1)!);
  }
  events += to - from;
  return to;
}

function send(datagram: Uint8Array): void {
  sentMillis.push(monotonicMillis());
  socket.send(datagram);
}

let shift = 0;
const isOver = (): boolean => performance.now() - started >= 1000 * Number(seconds);
for (let turn = 0; !isOver(); turn++) {
  const chunks = recordings[turn % recordings.length]!;
  shift -= chunks[0]!.origin + chunks[0]!.t[0]!;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.t.length && !isOver(); ) {
      at = sendDue(chunk, at, shift);
      if (at < chunk.t.length) await sleep(1);
    }
  }
  const last = chunks.at(-1)!;
  shift += last.origin + last.t.at(-1)! + 100;
}
socket.close();
const log: SentLog = { events, firstMicros, lastMicros, sentMillis };
process.stdout.write(JSON.stringify(log));
