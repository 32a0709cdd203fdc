import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type * as live from '../../../src/streams/live/live-source.ts';
import { sendEvents } from '../../../src/streams/live/send.ts';
import { collect, endAt, expectRows, fromFirst, load } from './loopback.ts';
import { chunkOf, type Row, rowsOf } from './protocols/decoding.ts';

const built = new URL('../../../dist/src/streams/live/live-source.js', import.meta.url);
const thread = new URL('../../../dist/src/streams/live/receive-thread.js', import.meta.url);
const describeBuilt = existsSync(fileURLToPath(thread)) ? describe : describe.skip;
const file = fileURLToPath(new URL('../../../fixtures/recordings/dvs128.aedat', import.meta.url));

describeBuilt('a socket on a thread of its own (skipped where dist is absent: npm run build)', () => {
  it.each([
    ['udp://127.0.0.1:0', 'udp://127.0.0.1:0'],
    ['tcp://127.0.0.1:0?listen', 'tcp://127.0.0.1:0'],
    ['ws://127.0.0.1:0?listen', 'ws://127.0.0.1:0?protocol=faery'],
  ])('%s receives what is sent', async (from, to) => {
    const { liveSource } = (await import(built.href)) as typeof live;
    const { chunks, sensor, rows } = await load(file);
    const source = await liveSource(from, { sensor });
    const received = collect(source);
    await sendEvents(chunks, to.replace(':0', `:${source.address!.port}`), { sensor });
    await endAt(source, rows.length);
    expectRows(fromFirst(await received), fromFirst(rows));
    expect(source.counters).toMatchObject({ received: rows.length, delivered: rows.length, waiting: 0 });
  });

  it.each(['drop', 'thin'] as const)('%s: what is left is whole, the rest counted', async (overflow) => {
    const { liveSource } = (await import(built.href)) as typeof live;
    const sensor = { width: 128, height: 128 };
    const source = await liveSource('udp://127.0.0.1:0', { sensor, overflow, ringEvents: 3000 });
    // The time of each event tells its place and polarity.
    const rows = Array.from(
      { length: 320 * 500 },
      (_, i): Row => [i, i % 128, (i >> 7) % 128, (i >> 14) & 1],
    );
    let delivered = 0;
    let last = -1;
    const taking = (async () => {
      for await (const chunk of source.chunks()) {
        for (const [micros, x, y, on] of rowsOf([chunk])) {
          if (micros <= last || `${[x, y, on]}` !== `${rows[micros]!.slice(1)}`) {
            throw new Error(`not what was sent: ${[micros, x, y, on]} after ${last}`);
          }
          last = micros;
          delivered++;
        }
        for (const end = performance.now() + 3; performance.now() < end; );
      }
    })();
    const sent = await sendEvents([chunkOf(rows)], `udp://127.0.0.1:${source.address!.port}`, { sensor });
    await endAt(source, sent.events);
    await taking;
    const { dropped, thinned, systemDrops = 0, ...counters } = source.counters;
    expect(counters).toMatchObject({ delivered, waiting: 0, malformed: 0 });
    expect(dropped + thinned).toBeGreaterThan(0);
    expect(delivered + dropped + thinned + 32 * systemDrops).toBe(sent.events);
  });

  it('dates what arrives while the main thread computes', async () => {
    const { liveSource } = (await import(built.href)) as typeof live;
    const source = await liveSource('udp://127.0.0.1:0', { sensor: { width: 128, height: 128 } });
    const received = collect(source);
    // Events without a time, one each five milliseconds, from another process.
    const sender = `const socket = require('node:dgram').createSocket('udp4');
      let left = 200;
      const timer = setInterval(() => {
        socket.send(Buffer.from([1, 0, 1, 0x80]), ${source.address!.port}, '127.0.0.1');
        if (--left === 0) { clearInterval(timer); setTimeout(() => socket.close(), 10); }
      }, 5);`;
    const sending = once(spawn(process.execPath, ['-e', sender]), 'exit');
    while (source.counters.received === 0) await sleep(5);
    const before = performance.timeOrigin + performance.now();
    for (const end = performance.now() + 300; performance.now() < end; );
    const after = performance.timeOrigin + performance.now();
    await sending;
    await endAt(source, 200);
    const times = new Set((await received).map(([micros]) => Math.floor(micros / 1000)));
    // Read after the pause, all of its events would have one time.
    expect([...times].filter((millis) => millis > before && millis < after).length).toBeGreaterThan(10);
  });

  it('says in one line why it cannot listen', async () => {
    const { liveSource } = (await import(built.href)) as typeof live;
    const sensor = { width: 1, height: 1 };
    await expect(liveSource('udp://203.0.113.9:4000', { sensor })).rejects.toThrow(
      'udp://203.0.113.9:4000: cannot listen here: the address is not one of this machine',
    );
  });
});
