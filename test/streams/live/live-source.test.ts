import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { allocateChunk, type EventChunk } from '../../../src/events.ts';
import { type LiveOptions, type LiveSource, liveSource } from '../../../src/streams/live/live-source.ts';
import { sendSpif } from './send-spif.ts';

const sensor = { width: 128, height: 128 };
const anyPort = 'udp://127.0.0.1:0';

function* generated(events: number, stepMicros = 3): Generator<EventChunk> {
  for (let done = 0; done < events; done += 5000) {
    const chunk = allocateChunk(1_000_000 + done * stepMicros, Math.min(5000, events - done));
    for (let i = 0; i < chunk.t.length; i++) {
      chunk.t[i] = i * stepMicros;
      chunk.x[i] = (done + i) % 128;
      chunk.y[i] = (7 * (done + i)) % 128;
      chunk.on[i] = (done + i) % 3 === 0 ? 1 : 0;
    }
    yield chunk;
  }
}

function listen(options: Partial<LiveOptions> = {}): Promise<LiveSource> {
  return liveSource(anyPort, { sensor, idleMillis: 200, thread: false, ...options });
}

function urlOf(source: LiveSource): string {
  return `udp://127.0.0.1:${source.address!.port}`;
}

async function collect(
  source: LiveSource,
  work: () => Promise<unknown> = async () => {},
): Promise<EventChunk[]> {
  const chunks: EventChunk[] = [];
  for await (const chunk of source.chunks()) {
    chunks.push(chunk);
    await work();
  }
  return chunks;
}

function columns(chunks: Iterable<EventChunk>): number[][] {
  return [...chunks].flatMap((chunk) =>
    Array.from(chunk.t, (t, i) => [chunk.origin + t, chunk.x[i]!, chunk.y[i]!, chunk.on[i]!]),
  );
}

describe('liveSource', () => {
  it('delivers what is sent with timestamps, exactly', async () => {
    const source = await listen();
    const [received, sent] = await Promise.all([
      collect(source),
      sendSpif(generated(20_000), urlOf(source), { timestamps: true }),
    ]);
    expect(columns(received)).toEqual(columns(generated(20_000)));
    expect(source.counters).toMatchObject({
      datagrams: sent.datagrams,
      received: 20_000,
      delivered: 20_000,
      dropped: 0,
      waiting: 0,
      malformed: 0,
    });
  });

  it('gives events without timestamps the time of their arrival', async () => {
    const source = await listen();
    const [received] = await Promise.all([
      collect(source),
      sendSpif(generated(5_000), urlOf(source), { timestamps: false }),
    ]);
    const rows = columns(received);
    expect(rows.map(([, ...place]) => place)).toEqual(columns(generated(5_000)).map(([, ...place]) => place));
    expect(rows.every(([micros], i) => i === 0 || micros! >= rows[i - 1]![0]!)).toBe(true);
    expect(source.counters.untimed).toBe(5_000);
  });

  it('counts every event that a slow consumer loses: sent = delivered + dropped', async () => {
    const source = await listen({ ringEvents: 3_000 });
    const [received, sent] = await Promise.all([
      collect(source, () => sleep(30)),
      sendSpif(generated(50_000), urlOf(source), { timestamps: true }),
    ]);
    const { delivered, dropped, systemDrops } = source.counters;
    expect(columns(received)).toHaveLength(delivered);
    expect(dropped).toBeGreaterThan(0);
    expect(delivered + dropped + (systemDrops ?? 0) * 32).toBe(sent.events);
    const times = columns(received).map(([micros]) => micros!);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('survives and counts malformed datagrams', async () => {
    const source = await listen();
    const socket = createSocket('udp4');
    socket.connect(source.address!.port, '127.0.0.1');
    await once(socket, 'connect');
    for (const bytes of [[], [1, 2, 3], [1, 0, 1, 0], [1, 0, 1, 0x80], [9, 9, 9, 9, 9]]) {
      socket.send(Uint8Array.from(bytes));
    }
    const received = await collect(source);
    socket.close();
    expect(columns(received).map(([, x, y, on]) => [x, y, on])).toEqual([[1, 1, 0]]);
    expect(source.counters).toMatchObject({ datagrams: 5, malformed: 4, delivered: 1 });
  });

  it('does not take the time of a consumer that blocks for silence', async () => {
    const source = await listen({ idleMillis: 50 });
    const block = async (): Promise<void> => {
      const until = performance.now() + 150;
      while (performance.now() < until);
    };
    const sending = sendSpif(generated(3_000), urlOf(source), { timestamps: true });
    const received = await collect(source, block);
    await sending;
    expect(columns(received)).toHaveLength(3_000);
  });

  it('ends after its duration, without a sender', async () => {
    const source = await listen({ durationMillis: 50, idleMillis: 60_000 });
    expect(await collect(source)).toEqual([]);
  });

  it('ends at an abort, and delivers what has come', async () => {
    const stop = new AbortController();
    const source = await listen({ signal: stop.signal, idleMillis: 60_000 });
    setTimeout(() => stop.abort(), 20);
    expect(await collect(source)).toEqual([]);

    const stopSlow = new AbortController();
    const slow = await listen({ signal: stopSlow.signal });
    await sendSpif(generated(40_000), urlOf(slow), { timestamps: true });
    const received = await collect(slow, async () => stopSlow.abort());
    expect(columns(received)).toEqual(columns(generated(40_000)));
    expect(slow.counters).toMatchObject({ delivered: 40_000, dropped: 0, waiting: 0 });
  });

  it('ends at once where the signal has been aborted before', async () => {
    const source = await listen({ signal: AbortSignal.abort() });
    expect(await collect(source)).toEqual([]);
  });

  it('frees its port when the consumer leaves early', async () => {
    const source = await listen();
    const sending = sendSpif(generated(2_000), urlOf(source), { timestamps: true });
    for await (const _ of source.chunks()) break;
    await sending;
    const again = await liveSource(urlOf(source), { sensor });
    await again.close();
  });

  it('says in one line why it cannot listen', async () => {
    const source = await listen();
    await expect(liveSource(urlOf(source), { sensor })).rejects.toThrow(
      /: cannot listen here: the address is in use$/,
    );
    await source.close();
    await expect(liveSource('udp://203.0.113.9:4000', { sensor })).rejects.toThrow(
      'udp://203.0.113.9:4000: cannot listen here: the address is not one of this machine',
    );
  });
});
