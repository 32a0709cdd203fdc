import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type * as live from '../../../src/streams/live/live-source.ts';
import { sendEvents } from '../../../src/streams/live/send.ts';
import { collect, endAt, expectRows, fromFirst, load } from './loopback.ts';

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

  it('dates what arrives while the main thread computes', async () => {
    const { liveSource } = (await import(built.href)) as typeof live;
    const { chunks, sensor } = await load(file);
    const source = await liveSource('udp://127.0.0.1:0', { sensor });
    const received = collect(source);
    const send = (): Promise<unknown> =>
      sendEvents(chunks, `udp://127.0.0.1:${source.address!.port}`, { sensor, timestamps: false });
    await send();
    const before = performance.now();
    while (performance.now() - before < 100);
    await send();
    await endAt(source, 2 * chunks.reduce((sum, { t }) => sum + t.length, 0));
    const rows = await received;
    // Had the first half been read after the pause, no gap would show.
    const steps = rows.slice(1).map(([micros], i) => micros - rows[i]![0]);
    expect(Math.max(...steps)).toBeGreaterThan(80_000);
  });

  it('says in one line why it cannot listen', async () => {
    const { liveSource } = (await import(built.href)) as typeof live;
    const sensor = { width: 1, height: 1 };
    await expect(liveSource('udp://203.0.113.9:4000', { sensor })).rejects.toThrow(
      'udp://203.0.113.9:4000: cannot listen here: the address is not one of this machine',
    );
  });
});
