import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { liveSource } from '../../src/streams/live/live-source.ts';
import { collect, endAt, expectRows, fromFirst, load } from '../streams/live/loopback.ts';
import { jsonLines, runProgram } from './run-program.ts';

const file = fileURLToPath(new URL('../../fixtures/recordings/dvs128.aedat', import.meta.url));

describe('pipeline send', () => {
  it('sends a recording as datagrams, and says how much', async () => {
    const { rows, sensor } = await load(file);
    const source = await liveSource('udp://127.0.0.1:0', { sensor, thread: false });
    const received = collect(source);
    const { out, error } = await runProgram([
      'send',
      file,
      `udp://127.0.0.1:${source.address!.port}`,
      '--speed',
      'max',
      '--json',
    ]);
    expect(error).toBeUndefined();
    await endAt(source, rows.length);
    expectRows(fromFirst(await received), fromFirst(rows));
    expect(jsonLines(out)).toEqual([
      expect.objectContaining({
        type: 'sent',
        protocol: 'spif',
        events: rows.length,
        datagrams: source.counters.datagrams,
        bytes: source.counters.bytes,
        refused: 0,
      }),
    ]);
  });

  it('listens, says where, and sends to who connects', async () => {
    const { rows, sensor } = await load(file);
    let receiving: Promise<void> | undefined;
    const { out, err, error } = await runProgram(
      ['send', file, 'tcp://127.0.0.1:0?listen', '--speed', 'max', '--protocol', 'caer', '--json'],
      {
        onOut: (text) => {
          const [line] = jsonLines(text);
          if (line?.['type'] !== 'listening') return;
          receiving = liveSource(`tcp://127.0.0.1:${line['port']}`, { sensor, thread: false }).then(
            async (source) => {
              const received = collect(source);
              await endAt(source, rows.length);
              expectRows(fromFirst(await received), fromFirst(rows));
            },
          );
        },
      },
    );
    expect(error).toBeUndefined();
    await receiving;
    expect(err).toMatch(/waiting for a receiver\n.*a receiver has connected\n/);
    expect(jsonLines(out).at(-1)).toMatchObject({ type: 'sent', protocol: 'caer', events: rows.length });
  });

  it('sends again and again, at a rate, until it is stopped', async () => {
    const { rows, sensor } = await load(file);
    const source = await liveSource('udp://127.0.0.1:0', { sensor, thread: false });
    const received = collect(source);
    const stop = new AbortController();
    const sending = runProgram(
      ['send', file, `udp://127.0.0.1:${source.address!.port}?protocol=faery`, '--loop', '--rate', '1000000'],
      { signal: stop.signal },
    );
    await endAt(source, 2 * rows.length + 1);
    stop.abort();
    const { out } = await sending;
    const found = await received;
    expect(out).toMatch(/ events as faery in \d+\.\d s; \d+ datagrams, \d+ bytes/);
    expectRows(fromFirst(found.slice(0, rows.length)), fromFirst(rows));
    expectRows(fromFirst(found.slice(rows.length, 2 * rows.length)), fromFirst(rows));
    expect(source.counters).toMatchObject({ restarts: 0, backward: 0 });
  });

  it.each([
    [['send', file, 'http://x'], /^destination: expected udp:\/\/HOST:PORT/],
    [['send', file, '-'], /^destination: expected udp:\/\/HOST:PORT, tcp:\/\/HOST:PORT, unix:PATH or ws/],
    [
      ['send', file, 'udp://127.0.0.1:1', '--protocol', 'dvx'],
      /^protocol: expected one of spif, faery, faery-t32, jaer, caer, es, found "dvx"$/,
    ],
    [['send', file, 'udp://127.0.0.1:1', '--rate', '0'], /^--rate: expected a whole number from 1 to /],
    [['send', file, 'udp://127.0.0.1:1', '--speed', 'fast'], /^--speed: expected max or a number above 0/],
  ])('refuses %j in one line', async (args, message) => {
    const { error, out } = await runProgram(args as string[]);
    expect(error?.message).toMatch(message);
    expect(out).toBe('');
  });
});
