import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { FormatError } from '../../src/errors.ts';
import { allocateChunk, type EventChunk } from '../../src/events.ts';
import { aedat4 } from '../../src/streams/formats/index.ts';
import { openRecording, writeRecording } from '../../src/streams/recording-file.ts';
import { makeTinyRun, writeMovingDot } from '../pipelines/streaming/tiny-run.ts';
import { sendSpif } from '../streams/live/send-spif.ts';
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

/** Runs the pipeline on ports of the system's choice, and sends to each camera once it listens. */
async function liveLines(send: Send | readonly Send[], options: readonly string[] = [], more: Watch = {}) {
  const senders = typeof send === 'function' ? [send] : send;
  const sending: Promise<unknown>[] = [];
  const sources = senders.flatMap((_, i) => [
    '--source',
    `udp://127.0.0.1:0${i === 0 ? '' : '?protocol=spif'}`,
  ]);
  const command = ['run', 'live', '--model', run, '--engine', 'cpu', ...sources, '--json'];
  const { signal, onLine } = more;
  const { out, err, error, code } = await runProgram([...command, ...options], {
    ...(signal === undefined ? {} : { signal }),
    onOut: (text) => {
      for (const line of jsonLines(text)) {
        if (line['type'] === 'listening') sending.push(senders[sending.length]!(line['address'] as string));
        onLine?.(line);
      }
    },
  });
  await Promise.all(sending);
  expect(error).toBeUndefined();
  const lines = jsonLines(out);
  const ofType = (type: string) => lines.filter((line) => line['type'] === type);
  return {
    first: lines[0]!,
    predictions: ofType('prediction'),
    statuses: ofType('status'),
    summaries: ofType('summary'),
    summary: lines.at(-1)!,
    err,
    code,
  };
}

interface Watch {
  readonly signal?: AbortSignal;
  readonly onLine?: (line: Record<string, unknown>) => void;
}

/** However busy the machine is, no window closes by the clock. */
const patient = ['--lateness', '600000', '--idle-timeout', '0.5'];

async function replayed(options: readonly string[] = []) {
  const { out } = await runProgram(['replay', file, '--model', run, '--engine', 'cpu', '--json', ...options]);
  return jsonLines(out).slice(0, -1);
}

describe('pipeline run live', () => {
  it('predicts from timed datagrams what replay predicts from the file', async () => {
    const { first, predictions, summary, err } = await liveLines(
      (url) => sendSpif(chunks, url, { timestamps: true }),
      patient,
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
    const expected = await replayed();
    expect(predictions).toHaveLength(expected.length);
    expect(predictions).toMatchObject(expected);
    expect(predictions.length).toBeGreaterThan(60);
  });

  it('predicts from datagrams without timestamps, by their arrival', async () => {
    const { predictions, summary } = await liveLines(
      (url) => sendSpif(chunks, url, { timestamps: false, eventsPerSecond: 40_000 }),
      patient,
    );
    expect(summary).toMatchObject({ received: 20_000, delivered: 20_000, untimed: 20_000 });
    // Half a second of sending in bins of 30 ms.
    expect(predictions.length).toBeGreaterThanOrEqual(16);
    expect(predictions.reduce((sum, { events }) => sum + (events as number), 0)).toBe(20_000);
  });

  it('predicts two cameras in one run, each as it would be alone', async () => {
    const send: Send = (url) => sendSpif(chunks, url, { timestamps: true });
    const { predictions, summaries } = await liveLines([send, send], patient);
    const expected = await replayed();
    expect(summaries).toHaveLength(2);
    for (const { camera, windows } of summaries) {
      const own = predictions.filter((prediction) => prediction['camera'] === camera);
      expect(windows).toBe(expected.length);
      expect(own.map(({ events, window }) => [events, window])).toEqual(
        expected.map(({ events, window }) => [events, window]),
      );
      for (const [i, { probabilities }] of own.entries()) {
        (probabilities as number[]).forEach((probability, k) => {
          expect(probability).toBeCloseTo((expected[i]!['probabilities'] as number[])[k]!, 5);
        });
      }
    }
  });

  it('gives decisions, latency, operations, status, and the same lines to a file and a WebSocket', async () => {
    const path = join(folder, 'lines.jsonl');
    const heard: Record<string, unknown>[] = [];
    let listened: Promise<unknown> | undefined;
    const options = ['--operations', '--bin', '15', '--half-life', '0', '--enter', '0', '--leave', '0'];
    const { predictions, summary, statuses } = await liveLines(
      async (url) => {
        while (listened === undefined) await sleep(1);
        await listened;
        await sendSpif(chunks, url, { timestamps: true, eventsPerSecond: 15_000 });
      },
      [...patient, ...options, '--out', path, '--out', 'ws://127.0.0.1:0'],
      {
        onLine: ({ type, place }) => {
          if (type !== 'output' || place === path) return;
          const socket = new WebSocket(place as string);
          listened = once(socket, 'open');
          socket.on('message', (data) => heard.push(JSON.parse(String(data))));
        },
      },
    );
    expect(predictions.length).toBeGreaterThan(120);
    for (const { endMicros, startMicros, classIndex, decision, ...prediction } of predictions.slice(0, -1)) {
      expect((endMicros as number) - (startMicros as number)).toBe(15_000);
      expect(decision).toBe(classIndex);
      expect(prediction['latencyMillis']).toBeGreaterThan(0);
      const { accumulates, multiplies } = prediction['operations'] as Record<string, number>;
      expect(prediction['operationsPerSecond']).toBe(Math.round((accumulates! + multiplies!) / 0.015));
    }
    expect(jsonLines(await readFile(path, 'utf8'))).toEqual(
      predictions.map(({ window: _, ...rest }) => expect.objectContaining(rest)),
    );
    expect(heard[0]).toMatchObject({ type: 'hello', model: 'net', classNames: ['zero', 'one', 'two'] });
    expect(heard.slice(1)).toEqual(predictions);
    expect(summary).toMatchObject({
      latencyMillis: { p50: expect.any(Number), p99: expect.any(Number) },
      operations: predictions.reduce((sum, { operations }) => {
        const { accumulates, multiplies } = operations as Record<string, number>;
        return sum + accumulates! + multiplies!;
      }, 0),
    });
    expect(statuses.length).toBeGreaterThan(0);
    expect(statuses[0]).toMatchObject({ eventsPerSecond: expect.any(Number), dropped: 0 });
  });

  it('shows itself on a dashboard', async () => {
    const messages: Record<string, unknown>[] = [];
    let opened: Promise<unknown> | undefined;
    const { predictions } = await liveLines(
      async (url) => {
        while (opened === undefined) await sleep(1);
        await opened;
        await sendSpif(chunks, url, { timestamps: true, eventsPerSecond: 40_000 });
      },
      [...patient, '--dashboard', '0'],
      {
        onLine: ({ type, url }) => {
          if (type !== 'dashboard') return;
          const { host } = new URL(url as string);
          const socket = new WebSocket(`ws://${host}/stream`, { origin: `http://${host}` });
          opened = once(socket, 'open');
          socket.on('message', (data, isBinary) => {
            if (!isBinary) messages.push(...JSON.parse(String(data)));
          });
        },
      },
    );
    const ofType = (type: string) => messages.filter((message) => message['type'] === type);
    expect(ofType('camera')).toMatchObject([
      { camera: 'udp://127.0.0.1:0', sensor: { width: 34, height: 34 } },
    ]);
    const shown = ofType('prediction');
    expect(shown.length).toBeGreaterThan(0);
    for (const prediction of shown) {
      const { endMicros } = prediction;
      expect(predictions.find((line) => line['endMicros'] === endMicros)).toMatchObject(prediction);
    }
    expect(ofType('raster').length).toBeGreaterThan(0);
  });

  it('counts every event that it loses behind a small buffer', async () => {
    const { predictions, summary } = await liveLines(
      (url) => sendSpif(chunks, url, { timestamps: true }),
      [...patient, '--buffer', '500'],
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
      patient,
      { signal: stop.signal },
    );
    expect(summary).toMatchObject({ type: 'summary', delivered: 400, windows: 2 });
    expect(predictions.map(({ events }) => events)).toEqual([310, 90]);
  });

  it('ends by itself without a sender', async () => {
    const { summary } = await liveLines(async () => {}, ['--duration', '0.05']);
    expect(summary).toMatchObject({ windows: 0, datagrams: 0 });
  });

  it('says what came of a recording that ends in the middle, and then what is wrong', async () => {
    const path = join(folder, 'cut.aedat4');
    await writeRecording(path, chunks, {
      format: aedat4,
      sensor: { width: 34, height: 34 },
      simulated: true,
    });
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, Math.floor(0.95 * whole.length)));
    const { out, error } = await runProgram([
      ...['run', 'live', '--model', run, '--engine', 'cpu', '--json'],
      ...['--source', `file:${path}?speed=max`],
    ]);
    const summary = jsonLines(out).at(-1)!;
    expect(summary).toMatchObject({ type: 'summary', delivered: summary['events'] });
    expect(summary['windows']).toBeGreaterThan(0);
    expect(error).toBeInstanceOf(FormatError);
    expect(error!.message).toContain('cut.aedat4: ');
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
