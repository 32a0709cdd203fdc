import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allocateChunk, type EventChunk } from '../../src/events.ts';
import { sendSpif } from '../../src/streams/live/send-spif.ts';
import { openRecording } from '../../src/streams/recording-file.ts';
import { makeTinyRun, writeMovingDot } from '../pipelines/streaming/tiny-run.ts';
import { jsonLines, runProgram } from './run-program.ts';

let folder: string;
let run: string;
let file: string;
/** The events of the file, read before: a sender must not wait for the disk while silence is counted. */
const chunks: EventChunk[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxspike-live-'));
  run = join(folder, 'run');
  file = join(folder, 'dot.bin');
  await makeTinyRun(run);
  await writeMovingDot(file, 20_000);
  for await (const chunk of (await openRecording(file)).chunks()) chunks.push(chunk);
});
afterAll(() => rm(folder, { recursive: true }));

type Send = (url: string) => Promise<unknown>;

/** Runs the pipeline on a port of the system's choice, and sends to it once it listens. */
async function liveLines(send: Send, options: readonly string[] = [], signal?: AbortSignal) {
  let sending: Promise<unknown> | undefined;
  const command = [
    'run',
    'live',
    '--model',
    run,
    '--engine',
    'cpu',
    '--source',
    'udp://127.0.0.1:0',
    '--json',
  ];
  const { out, err, error } = await runProgram([...command, ...options], {
    ...(signal === undefined ? {} : { signal }),
    onOut: (text) => {
      const [line] = jsonLines(text);
      if (line?.['type'] === 'listening') sending = send(line['address'] as string);
    },
  });
  await sending;
  expect(error).toBeUndefined();
  const lines = jsonLines(out);
  const ofType = (type: string) => lines.filter((line) => line['type'] === type);
  return {
    first: lines[0]!,
    predictions: ofType('prediction'),
    summary: lines.at(-1)!,
    err,
  };
}

describe('pipeline run live', () => {
  it('predicts from timed datagrams what replay predicts from the file', async () => {
    const { first, predictions, summary, err } = await liveLines(
      (url) => sendSpif(chunks, url, { timestamps: true }),
      ['--idle-timeout', '0.5'],
    );
    expect(first).toMatchObject({ type: 'listening' });
    expect(summary).toMatchObject({
      received: 20_000,
      delivered: 20_000,
      dropped: 0,
      waiting: 0,
      untimed: 0,
    });
    expect(err).toMatch(/^listening on udp:\/\/127\.0\.0\.1:\d+, network net; Ctrl-C ends\n/);
    const replayed = await runProgram(['replay', file, '--model', run, '--engine', 'cpu', '--json']);
    const expected = jsonLines(replayed.out).slice(0, -1);
    expect(predictions).toHaveLength(expected.length);
    expect(predictions).toMatchObject(expected);
    expect(predictions.length).toBeGreaterThan(60);
  });

  it('predicts from datagrams without timestamps, by their arrival', async () => {
    const { predictions, summary } = await liveLines(
      (url) => sendSpif(chunks, url, { timestamps: false, eventsPerSecond: 40_000 }),
      ['--idle-timeout', '0.5'],
    );
    expect(summary).toMatchObject({ received: 20_000, delivered: 20_000, untimed: 20_000 });
    // Half a second of sending in bins of 30 ms.
    expect(predictions.length).toBeGreaterThanOrEqual(16);
    expect(predictions.reduce((sum, { events }) => sum + (events as number), 0)).toBe(20_000);
  });

  it('counts every event that it loses behind a small buffer', async () => {
    const { predictions, summary } = await liveLines(
      (url) => sendSpif(chunks, url, { timestamps: true }),
      ['--idle-timeout', '0.5', '--buffer', '500'],
    );
    const { delivered, dropped, received } = summary as Record<string, number>;
    expect(received).toBe(20_000);
    expect(dropped).toBeGreaterThan(0);
    expect(delivered! + dropped!).toBe(20_000);
    expect(predictions.reduce((sum, { events }) => sum + (events as number), 0)).toBe(delivered);
  });

  it('ends at Ctrl-C with the open window and its counters', async () => {
    const stop = new AbortController();
    const { predictions, summary } = await liveLines(
      async (url) => {
        await sendSpif([chunkOf(400)], url, { timestamps: true });
        setTimeout(() => stop.abort(), 300);
      },
      [],
      stop.signal,
    );
    expect(summary).toMatchObject({ type: 'summary', delivered: 400, windows: 2 });
    expect(predictions.map(({ events }) => events)).toEqual([310, 90]);
  });

  it('ends by itself without a sender', async () => {
    const { summary } = await liveLines(async () => {}, ['--duration', '0.05']);
    expect(summary).toMatchObject({ windows: 0, datagrams: 0 });
  });

  it.each([
    [['run', 'live'], '--model: expected the run directory of a training, found none'],
    [
      ['run', 'live', '--model', '/nowhere'],
      '/nowhere: expected a run directory, RUN or RUN:NAME, found nothing there',
    ],
    [['run', 'live', '--duration', '-1'], '--duration: expected a number above 0, found "-1"'],
    [['run', 'live', '--idletimeout', '1'], "unknown option '--idletimeout' (did you mean --idle-timeout?)"],
  ])('refuses %j in one line', async (args, message) => {
    const { error, out } = await runProgram(args);
    expect(error?.message).toBe(message);
    expect(out).toBe('');
  });

  it('refuses a source that is no address, or in use', async () => {
    const wrong = await runProgram(['run', 'live', '--model', run, '--engine', 'cpu', '--source', 'tcp://x']);
    expect(wrong.error?.message).toBe('source: expected tcp://HOST:PORT, found no port in tcp://x');
  });
});

/** Events 97 us apart. */
function chunkOf(events: number): EventChunk {
  const chunk = allocateChunk(5_000_000, events);
  for (let i = 0; i < events; i++) {
    chunk.t[i] = 97 * i;
    chunk.x[i] = i % 34;
  }
  return chunk;
}
