import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { LivePrediction } from '../../../../pipelines/streaming/live-inference.ts';
import {
  jsonOf,
  type OutputContext,
  openOutput,
  type PredictionOutput,
} from '../../../../pipelines/streaming/outputs/output.ts';

let folder: string;
const opened: PredictionOutput[] = [];
const asked: string[] = [];
const context: OutputContext = {
  model: {
    name: 'net',
    layerNames: ['lif1', 'lif2'],
    feed: {
      sensor: { width: 4, height: 4 },
      frame: { width: 4, height: 4, channels: 2 },
      classNames: ['a', 'b'],
    },
  },
  cameras: ['udp://one', 'udp://two'],
  commands: {
    reset: (camera) => asked.push(`reset ${camera ?? 'all'}`),
    snapshot: () => asked.push('snapshot'),
  },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxspike-outputs-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(async () => {
  await Promise.all(opened.splice(0).map((output) => output.close()));
  asked.splice(0);
});

async function open(target: string): Promise<PredictionOutput> {
  const output = await openOutput(target, context);
  opened.push(output);
  return output;
}

function prediction(window: number): LivePrediction {
  const decision = window % 2 === 0 ? null : 1;
  return {
    camera: 'udp://one',
    window,
    startMicros: 2 ** 33 + 1000.5 * window,
    endMicros: 2 ** 33 + 1000.5 * (window + 1),
    events: 7 * window,
    classIndex: 1,
    className: 'b',
    probability: 0.75,
    margin: 0.5,
    probabilities: [0.25, 0.75],
    decision,
    decisionName: decision === null ? null : 'b',
    decisionProbability: 0.5,
    rates: { lif1: 0.125, lif2: 0.25 },
    merged: 1,
    reset: window === 0,
    latencyMillis: 1.5,
    ...(window > 0 && {
      operations: { accumulates: 10, multiplies: 20, dense: 90 },
      operationsPerSecond: 30_000,
    }),
    raster: [{ layer: 'lif1', shown: 2, fired: [[0]] }],
  };
}

describe('a file of JSON lines', () => {
  it('holds what was written, after what it held', async () => {
    const path = join(folder, 'predictions.jsonl');
    for (const windows of [[0, 1], [2]]) {
      const output = await openOutput(path, context);
      for (const window of windows) output.write(prediction(window));
      await output.close();
    }
    const lines = (await readFile(path, 'utf8')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([0, 1, 2].map((i) => jsonOf(prediction(i))));
    expect(lines[0]).not.toContain('raster');
  });

  it('is refused in one line where it cannot be', async () => {
    const path = join(folder, 'none', 'predictions.jsonl');
    await expect(openOutput(path, context)).rejects.toThrow(`${path}: cannot be written: ENOENT`);
  });
});

describe('an Arrow file', () => {
  it('holds every value', async () => {
    const path = join(folder, 'predictions.arrows');
    const output = await openOutput(path, context);
    for (let window = 0; window < 700; window++) output.write(prediction(window));
    await output.close();
    const table = tableFromIPC(await readFile(path));
    expect(table.batches.map(({ numRows }) => numRows)).toEqual([512, 188]);
    const rows = table.toArray().map((row) => row?.toJSON());
    for (const window of [0, 1, 699]) {
      const { startMicros, endMicros, ...expected } = prediction(window);
      const { start, end, probabilities, ...row } = rows[window]! as Record<string, unknown>;
      expect([Number(start) * 1000, Number(end) * 1000]).toEqual(
        [startMicros, endMicros].map((micros) => expect.closeTo(Math.floor(micros), 1)),
      );
      expect([...(probabilities as Float32Array)]).toEqual(expected.probabilities);
      expect(row).toEqual({
        camera: 'udp://one',
        window,
        events: expected.events,
        class: 1,
        className: 'b',
        probability: 0.75,
        margin: 0.5,
        decision: expected.decision,
        decisionProbability: 0.5,
        merged: 1,
        reset: window === 0,
        latencyMillis: 1.5,
        operationsPerSecond: window === 0 ? null : 30_000,
        'rate.lif1': 0.125,
        'rate.lif2': 0.25,
      });
    }
  });

  it('can be read while it grows, without an end', async () => {
    const path = join(folder, 'growing.arrows');
    const output = await open(path);
    for (let window = 0; window < 600; window++) output.write(prediction(window));
    let rows = 0;
    while (rows === 0) {
      await sleep(5);
      rows = tableFromIPC(await readFile(path)).numRows;
    }
    expect(rows).toBe(512);
  });

  it('of no prediction has its columns', async () => {
    const path = join(folder, 'empty.arrows');
    await (await openOutput(path, context)).close();
    const table = tableFromIPC(await readFile(path));
    expect([table.numRows, table.schema.fields.length]).toEqual([0, 18]);
  });

  it('is not written over', async () => {
    const path = join(folder, 'there.arrows');
    await writeFile(path, 'mine');
    await expect(openOutput(path, context)).rejects.toThrow(`${path}: a file is there already`);
    expect(await readFile(path, 'utf8')).toBe('mine');
  });
});

/** A client, and the messages that it got. */
async function connect(url: string, options: object = {}) {
  const socket = new WebSocket(url, options);
  const messages: Record<string, unknown>[] = [];
  let wake = (): void => {};
  socket.on('message', (data) => {
    messages.push(JSON.parse(String(data)));
    wake();
  });
  await once(socket, 'open');
  const until = async (enough: () => boolean): Promise<void> => {
    while (!enough()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { socket, messages, until };
}

describe('a WebSocket server', () => {
  it('gives every client a greeting and all predictions', async () => {
    const output = await open('ws://127.0.0.1:0');
    expect(output.place).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/$/);
    const clients = await Promise.all([connect(output.place), connect(output.place)]);
    for (const { until, messages } of clients) await until(() => messages.length === 1);
    for (let window = 0; window < 3; window++) output.write(prediction(window));
    for (const { until, messages, socket } of clients) {
      await until(() => messages.length === 4);
      expect(messages[0]).toEqual({
        type: 'hello',
        model: 'net',
        classNames: ['a', 'b'],
        layers: ['lif1', 'lif2'],
        cameras: context.cameras,
      });
      expect(messages.slice(1)).toEqual([0, 1, 2].map((i) => jsonOf(prediction(i))));
      socket.close();
    }
  });

  it('does what clients ask for, and nothing else', async () => {
    const { place } = await open('ws://localhost:0');
    const { socket } = await connect(place);
    const texts = [
      '{"type":"reset"}',
      'nonsense',
      '{"type":"quit"}',
      '{"type":"reset","camera":"udp://one"}',
      '[]',
      '{"type":"reset","camera":7}',
      '{"type":"snapshot"}',
    ];
    for (const text of texts) socket.send(text);
    while (asked.at(-1) !== 'snapshot') await sleep(2);
    expect(asked).toEqual(['reset all', 'reset udp://one', 'snapshot']);
    socket.send('x'.repeat(5000));
    expect((await once(socket, 'close'))[0]).toBe(1009);
  });

  it('skips predictions of a client that never reads, and keeps little for it', async () => {
    const output = await open('ws://127.0.0.1:0');
    const { socket, messages, until } = await connect(output.place);
    await until(() => messages.length === 1);
    socket.pause();
    const before = process.memoryUsage().arrayBuffers;
    const many = 30_000;
    for (let window = 0; window < many; window++) {
      output.write(prediction(window));
      if (window % 1000 === 0) await sleep(0);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(30e6);
    socket.resume();
    let last = many;
    const told = () => messages.find(({ type }) => type === 'skipped');
    while (told() === undefined) {
      output.write(prediction(last++));
      await sleep(2);
    }
    const at = messages.indexOf(told()!);
    const [before_, after] = [messages[at - 1]!, messages[at + 1]];
    if (after === undefined) await until(() => messages.length > at + 1);
    expect((messages[at + 1]!['window'] as number) - (before_['window'] as number) - 1).toBe(
      told()!['predictions'],
    );
    socket.terminate();
  });

  it('lets in neither pages of other sites nor other names, and asks for its token', async () => {
    const { place } = await open('ws://127.0.0.1:0?token=secret');
    expect(place).toMatch(/\?token=secret$/);
    const { port } = new URL(place);
    const status = (path: string, headers: object = {}): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const asking = request({
          port,
          path,
          headers: {
            connection: 'Upgrade',
            upgrade: 'websocket',
            'sec-websocket-version': '13',
            'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
            ...headers,
          },
        });
        asking.on('response', ({ statusCode }) => resolve(statusCode));
        asking.on('upgrade', (_, socket) => {
          socket.destroy();
          resolve(101);
        });
        asking.on('error', reject).end();
      });
    expect(await status('/?token=secret')).toBe(101);
    expect(await status('/?token=secret', { origin: `http://localhost:${port}` })).toBe(101);
    expect(await status('/')).toBe(403);
    expect(await status('/?token=wrong')).toBe(403);
    expect(await status('/other?token=secret')).toBe(403);
    expect(await status('/?token=secret', { origin: 'http://example.com' })).toBe(403);
    expect(await status('/?token=secret', { host: 'example.com' })).toBe(403);
  });

  it('makes up a token where other machines reach it', async () => {
    const { place } = await open('ws://0.0.0.0:0');
    const { port, searchParams } = new URL(place);
    expect(searchParams.get('token')).toMatch(/^[\w-]{24}$/);
    const { socket, until, messages } = await connect(
      `ws://127.0.0.1:${port}/?token=${searchParams.get('token')}`,
    );
    await until(() => messages.length === 1);
    socket.close();
    const refused = new WebSocket(`ws://127.0.0.1:${port}/`);
    expect((await once(refused, 'error'))[0].message).toContain('403');
  });

  it.each([
    ['ws://', '--out: expected ws://HOST:PORT, found "ws://"'],
    ['ws://127.0.0.1:9/path', '--out: expected ws://HOST:PORT, found "ws://127.0.0.1:9/path"'],
    ['out.csv', '--out: expected ws://HOST:PORT or a file that ends in .jsonl or .arrows, found "out.csv"'],
  ])('refuses %s', async (target, message) => {
    await expect(openOutput(target, context)).rejects.toThrow(message);
  });

  it('says that its address is in use', async () => {
    const { place } = await open('ws://127.0.0.1:0');
    const target = place.slice(0, -1);
    await expect(openOutput(target, context)).rejects.toThrow(`--out: ${target} is in use`);
  });
});
