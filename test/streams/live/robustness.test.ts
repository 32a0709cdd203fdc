import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { sliceChunk } from '../../../src/events.ts';
import { type LiveOptions, type LiveSource, liveSource } from '../../../src/streams/live/live-source.ts';
import { caer } from '../../../src/streams/live/protocols/caer.ts';
import { dv } from '../../../src/streams/live/protocols/dv.ts';
import { faery } from '../../../src/streams/live/protocols/faery.ts';
import { jaer } from '../../../src/streams/live/protocols/jaer.ts';
import { spif } from '../../../src/streams/live/protocols/spif.ts';
import { repeated, sendEvents } from '../../../src/streams/live/send.ts';
import { collect, endAt, expectRows, fromFirst, type Loaded, load } from './loopback.ts';
import { chunkOf, encode, type Row } from './protocols/decoding.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../fixtures/recordings/${name}`, import.meta.url));

let recording: Loaded;
let folder: string;
beforeAll(async () => {
  const loaded = await load(fixture('dvs128.aedat'));
  const rows = fromFirst(loaded.rows);
  recording = { ...loaded, rows, chunks: [chunkOf(rows)] };
  folder = await mkdtemp(join(tmpdir(), 'rxspike-robust-'));
});
afterAll(() => rm(folder, { recursive: true }));

function listen(url = 'udp://127.0.0.1:0', options: Partial<LiveOptions> = {}): Promise<LiveSource> {
  return liveSource(url, { sensor: recording.sensor, thread: false, ...options });
}

/** A socket that sends to a source. */
async function rawSender(source: LiveSource): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.connect(source.address!.port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

async function sendAll(socket: Socket, datagrams: readonly Uint8Array[]): Promise<void> {
  for (const datagram of datagrams) {
    await new Promise<void>((resolve) => socket.send(datagram, () => resolve()));
  }
}

/** Waits until it is so. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

const packed = (protocol: typeof jaer, carrier: 'datagrams' | 'bytes'): Uint8Array[] =>
  encode(protocol, recording.chunks, { sensor: recording.sensor, carrier, eventsPerPacket: 182 });

describe('a receiver that is killed and restarted', () => {
  it('hears the rest of a sender of datagrams', async () => {
    const first = await listen();
    const place = `udp://127.0.0.1:${first.address!.port}`;
    const stop = new AbortController();
    const sending = sendEvents(
      repeated(async function* () {
        yield* recording.chunks;
      }, stop.signal),
      place,
      { sensor: recording.sensor, eventsPerSecond: 200_000, signal: stop.signal },
    );
    for await (const _ of first.chunks()) break;
    const second = await listen(place);
    const rows = collect(second);
    await until(() => second.counters.received > 1000);
    stop.abort();
    const sent = await sending;
    await second.close();
    expect((await rows).length).toBe(second.counters.delivered);
    expect(second.counters).toMatchObject({ malformed: 0, backward: 0, restarts: 0 });
    expect(sent.events).toBeGreaterThanOrEqual(first.counters.received + second.counters.received);
  });

  it('is found again by a sender that connects, which begins its stream anew', async () => {
    const first = await listen('tcp://127.0.0.1:0?listen');
    const place = `tcp://127.0.0.1:${first.address!.port}`;
    const stop = new AbortController();
    const notes: string[] = [];
    const sending = sendEvents(
      repeated(async function* () {
        for (const chunk of recording.chunks) yield sliceChunk(chunk, 0, 1000);
      }, stop.signal),
      place,
      {
        sensor: recording.sensor,
        eventsPerSecond: 100_000,
        signal: stop.signal,
        onNote: (text) => notes.push(text),
      },
    );
    for await (const _ of first.chunks()) break;
    const second = await listen(`${place}?listen`);
    const rows = collect(second);
    await until(() => second.counters.received > 1000);
    stop.abort();
    const { reconnections } = await sending;
    await second.close();
    expect(reconnections).toBe(1);
    expect((await rows).length).toBe(second.counters.delivered);
    expect(second.counters).toMatchObject({ malformed: 0, connections: 1 });
  });
});

describe('a unix socket that a killed receiver left behind', () => {
  it('is replaced, but not one that somebody listens at', async () => {
    const path = join(folder, 'left.sock');
    // A process that is killed removes nothing.
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await once(spawn(process.execPath, ['-e', script]), 'exit');
    const source = await listen(`unix:${path}?listen`);
    await expect(listen(`unix:${path}?listen`)).rejects.toThrow(
      `unix:${path}: cannot listen here: the address is in use`,
    );
    const received = collect(source);
    await sendEvents(recording.chunks, `unix:${path}`, { sensor: recording.sensor });
    await endAt(source, recording.rows.length);
    expectRows(fromFirst(await received), recording.rows);
  });
});

describe('a sender that fails', () => {
  it('in the middle of a packet and begins again: what was whole is delivered, once', async () => {
    const stream = Buffer.concat(packed(dv, 'bytes'));
    const sent = [stream.subarray(0, stream.length - 100), stream];
    const server = createServer((socket) => {
      socket.on('error', () => {});
      const bytes = sent.shift();
      if (bytes === undefined) socket.destroy();
      else socket.end(bytes);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const notes: string[] = [];
    const source = await listen(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      onNote: (text) => notes.push(text),
    });
    const received = collect(source);
    const whole = recording.rows.length - (recording.rows.length % 182);
    await endAt(source, whole + recording.rows.length);
    server.close();
    const rows = await received;
    expect(source.counters).toMatchObject({ connections: 2, malformed: 1, restarts: 0 });
    expectRows(fromFirst(rows.slice(0, whole)), fromFirst(recording.rows.slice(0, whole)));
    expectRows(fromFirst(rows.slice(-recording.rows.length)), fromFirst(recording.rows));
    expect(notes[0]).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+: connected$/);
  });

  it('in the middle of a packet for good: the rest is delivered at silence', async () => {
    const stream = Buffer.concat(packed(caer, 'bytes'));
    const server = createServer((socket) => {
      socket.on('error', () => {}).write(stream.subarray(0, stream.length - 100));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const source = await listen(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      idleMillis: 100,
    });
    const rows = await collect(source);
    server.close();
    const whole = recording.rows.length - (recording.rows.length % 182);
    expectRows(fromFirst(rows), fromFirst(recording.rows.slice(0, whole)));
    expect(source.counters.malformed).toBe(1);
  });

  it('and speaks nonsense is left, counted, and tried again', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket
        .on('error', () => {})
        .write(Buffer.concat([packed(caer, 'bytes')[0]!, Buffer.alloc(4096, 0xa5)]));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const source = await listen(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const rows = collect(source);
    await until(() => connections === 2 && source.counters.malformed >= 2);
    await source.close();
    server.close();
    expect(await rows).toEqual([]);
    expect(source.counters.bytes).toBeLessThan(3 * 4200);
  });

  it('and claims a giant packet takes no memory with it', async () => {
    const head = packed(dv, 'bytes')[0]!;
    const lie = Buffer.alloc(8);
    lie.writeInt32LE(1 << 25, 4);
    const server = createServer((socket) => {
      socket.on('error', () => {}).write(Buffer.concat([head, lie]));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const before = process.memoryUsage().arrayBuffers;
    const source = await listen(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      ringEvents: 1000,
      idleMillis: 100,
    });
    expect(await collect(source)).toEqual([]);
    server.close();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 24);
  });

  it('and sends messages of text, or too long ones, is counted or left', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    let connections = 0;
    server.on('connection', (socket) => {
      connections++;
      socket.on('error', () => {}).send('text');
      for (const datagram of packed(spif, 'datagrams')) socket.send(datagram);
      if (connections === 1) socket.send(Buffer.alloc((1 << 24) + 1));
      else socket.close();
    });
    await once(server, 'listening');
    const source = await listen(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const received = collect(source);
    await endAt(source, 2 * recording.rows.length);
    server.close();
    const rows = await received;
    expect(source.counters).toMatchObject({ connections: 2, malformed: 2 });
    expectRows(fromFirst(rows.slice(0, recording.rows.length)), fromFirst(recording.rows));
    expectRows(fromFirst(rows.slice(-recording.rows.length)), fromFirst(recording.rows));
  });
});

describe('datagrams on a bad line', () => {
  it.each([jaer, caer])('$name: what is missing, late and double is counted', async (protocol) => {
    const datagrams = encode(protocol, recording.chunks, {
      sensor: recording.sensor,
      carrier: 'datagrams',
      eventsPerPacket: 50,
    });
    const source = await listen();
    const received = collect(source);
    const socket = await rawSender(source);
    const line = [...datagrams];
    line.splice(4, 2); // 4 and 5 are lost
    [line[10], line[11]] = [line[11]!, line[10]!];
    line.splice(20, 0, line[19]!, line[19]!); // three times
    await sendAll(socket, line);
    await endAt(source, recording.rows.length - 100);
    socket.close();
    expect(source.counters).toMatchObject({
      datagrams: line.length,
      received: recording.rows.length - 100,
      lost: 2,
      late: 1,
      duplicates: 2,
      malformed: 0,
      restarts: 0,
    });
    const rows = await received;
    expect(rows.map(([micros]) => micros)).toEqual(rows.map(([micros]) => micros).sort((a, b) => a - b));
    const places = (all: readonly Row[]): string[] => all.map(([, ...place]) => `${place}`).sort();
    const sent = recording.rows.filter((_, i) => i < 200 || i >= 300);
    expect(places(rows)).toEqual(places(sent));
  });

  it('caer: a packet of which a part is missing is dropped as a whole', async () => {
    const datagrams = encode(caer, recording.chunks, {
      sensor: recording.sensor,
      carrier: 'datagrams',
      eventsPerPacket: 500,
    });
    const source = await listen();
    const received = collect(source);
    const socket = await rawSender(source);
    await sendAll(
      socket,
      datagrams.filter((_, i) => i !== 4), // the second of three parts of the second packet
    );
    await endAt(source, recording.rows.length - 500);
    socket.close();
    const expected = recording.rows.filter((_, i) => i < 500 || i >= 1000);
    expectRows(fromFirst(await received), fromFirst(expected));
    expect(source.counters).toMatchObject({ lost: 1, malformed: 1 });
  });

  it('another sender takes over, with numbers and a clock of its own', async () => {
    const datagrams = packed(jaer, 'datagrams');
    const source = await listen();
    const received = collect(source);
    for (let sender = 0; sender < 3; sender++) {
      const socket = await rawSender(source);
      await sendAll(socket, datagrams);
      await until(() => source.counters.datagrams === (sender + 1) * datagrams.length);
      socket.close();
    }
    await source.close();
    const rows = await received;
    const { length } = recording.rows;
    for (let sender = 0; sender < 3; sender++) {
      expectRows(fromFirst(rows.slice(sender * length, (sender + 1) * length)), fromFirst(recording.rows));
    }
    expect(source.counters).toMatchObject({ lost: 0, duplicates: 0, backward: 0 });
  });

  it('a protocol that cannot be told from one datagram is told from several', async () => {
    const source = await listen();
    const received = collect(source);
    const socket = await rawSender(source);
    // One event at a time fits several protocols; where it does, later ones decide.
    const datagrams = encode(jaer, [sliceChunk(recording.chunks[0]!, 0, 300)], {
      sensor: recording.sensor,
      carrier: 'datagrams',
      eventsPerPacket: 30,
    });
    await sendAll(socket, [Uint8Array.of(1, 2, 3), ...datagrams]);
    await endAt(source, 300);
    socket.close();
    expectRows(fromFirst(await received), fromFirst(recording.rows.slice(0, 300)));
    expect(source.protocol).toMatchObject({ name: 'jaer', detected: true });
    expect(source.counters.malformed).toBe(1);
  });
});

describe('a burst, ten times what the consumer takes', () => {
  const slow = async (source: LiveSource): Promise<number> => {
    let events = 0;
    for await (const chunk of source.chunks()) {
      events += chunk.t.length;
      await sleep(2);
    }
    return events;
  };

  it.each(['drop', 'merge', 'thin'] as const)('%s: every event is accounted for', async (overflow) => {
    const source = await listen('udp://127.0.0.1:0', { overflow, thinFactor: 4, ringEvents: 2000 });
    const taking = slow(source);
    const many = Array.from({ length: 10 }, () => recording.chunks).flat();
    const shifted = many.map((chunk, i) => ({ ...chunk, origin: chunk.origin + i * 10_000_000 }));
    const sent = await sendEvents(shifted, `udp://127.0.0.1:${source.address!.port}`, {
      sensor: recording.sensor,
    });
    await endAt(source, sent.events);
    const taken = await taking;
    const { delivered, dropped, thinned, waiting, received, systemDrops } = source.counters;
    expect([taken, waiting, systemDrops ?? 0]).toEqual([delivered, 0, 0]);
    expect(received).toBe(sent.events);
    expect(delivered + dropped + thinned).toBe(sent.events);
    expect(dropped + thinned).toBeGreaterThan(0);
    expect(thinned > 0).toBe(overflow === 'thin');
  });
});

describe('datagrams that nobody fetches in time', () => {
  it.skipIf(process.platform !== 'linux')('are counted by the system, each one (on Linux)', async () => {
    const source = await listen('udp://127.0.0.1:0', { bufferBytes: 4096 });
    const other = await listen(source.id.replace('127.0.0.1:0', `127.0.0.2:${source.address!.port}`));
    const received = collect(source);
    const socket = await rawSender(source);
    const [datagram] = encode(spif, recording.chunks, { sensor: recording.sensor, carrier: 'datagrams' });
    let left = 3000;
    const sent = new Promise<void>((resolve) => {
      // All in one turn: this thread reads nothing meanwhile.
      for (let i = 0; i < 3000; i++) socket.send(datagram!, () => --left === 0 && resolve());
    });
    await sent;
    await sleep(20);
    socket.close();
    await source.close();
    await other.close();
    const rows = await received;
    const { datagrams, systemDrops, delivered } = source.counters;
    expect(rows.length).toBe(delivered);
    expect(delivered).toBe(32 * datagrams);
    expect(datagrams + systemDrops!).toBe(3000);
    expect(systemDrops).toBeGreaterThan(0);
    expect(other.counters.systemDrops).toBe(0);
  });
});

describe('what a source tells beside its events', () => {
  it('when the events of a time arrived', async () => {
    const source = await listen();
    const received = collect(source);
    const before = Date.now() * 1000;
    const socket = await rawSender(source);
    const datagrams = encode(spif, recording.chunks, { sensor: recording.sensor, carrier: 'datagrams' });
    await sendAll(socket, datagrams.slice(0, 1));
    await until(() => source.counters.datagrams === 1);
    await sleep(30);
    await sendAll(socket, datagrams.slice(1, 2));
    await until(() => source.counters.datagrams === 2);
    socket.close();
    await source.close();
    const rows = await received;
    const first = source.arrivalOf(rows[31]![0])!;
    const second = source.arrivalOf(rows[31]![0] + 1)!;
    expect(first).toBeGreaterThanOrEqual(before - 2000);
    expect(second - first).toBeGreaterThan(20_000);
    expect(source.arrivalOf(rows.at(-1)![0] + 1)).toBeUndefined();
  });
});

describe('a receiver that never reads', () => {
  it.each(['tcp://127.0.0.1:0?listen', 'ws://127.0.0.1:0?listen&protocol=spif'])(
    'does not keep a sender at %s from ending',
    async (to) => {
      const stop = new AbortController();
      let handshake: ReturnType<typeof connect> | undefined;
      const sent = await sendEvents(
        repeated(async function* () {
          yield* recording.chunks;
        }, stop.signal),
        to,
        {
          sensor: recording.sensor,
          signal: stop.signal,
          onListening: ({ port }) => {
            handshake = connect(port, '127.0.0.1');
            handshake.on('error', () => {}).pause();
            if (to.startsWith('ws')) {
              handshake.write(
                'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
                  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
              );
            }
            setTimeout(() => stop.abort(), 300);
          },
        },
      );
      handshake?.destroy();
      expect(sent.events).toBeGreaterThan(0);
    },
  );
});

describe('a page of another site', () => {
  it('can neither send nor listen', async () => {
    const source = await listen('ws://127.0.0.1:0?listen&protocol=spif');
    const received = collect(source);
    const place = `ws://127.0.0.1:${source.address!.port}`;
    const status = async (origin?: string): Promise<string> => {
      const socket = new WebSocket(place, origin === undefined ? {} : { origin });
      const outcome = await once(socket, 'open').then(
        () => 'open',
        (error: Error) => error.message,
      );
      socket.on('error', () => {}).terminate();
      return outcome;
    };
    expect(await status('http://evil.example')).toBe('Unexpected server response: 401');
    expect(await status('null')).toBe('Unexpected server response: 401');
    expect(await status(`http://127.0.0.1:${source.address!.port}`)).toBe('open');
    expect(await status()).toBe('open');
    await source.close();
    await received;
  });
});

describe('datagrams of another protocol than was told', () => {
  it('are told anew once many made no sense', async () => {
    const source = await listen();
    const received = collect(source);
    const first = await rawSender(source);
    await sendAll(first, encode(spif, recording.chunks, { sensor: recording.sensor, carrier: 'datagrams' }));
    await until(() => source.counters.received === recording.rows.length);
    const second = await rawSender(source);
    const other = encode(faery, recording.chunks, {
      sensor: recording.sensor,
      carrier: 'datagrams',
      eventsPerPacket: 11,
    });
    await sendAll(second, other);
    await until(() => source.counters.datagrams > other.length);
    first.close();
    second.close();
    await source.close();
    expect(source.protocol?.name).toBe('faery');
    expect(source.counters.malformed).toBe(64);
    expectRows(
      fromFirst((await received).slice(recording.rows.length)),
      fromFirst(recording.rows.slice(64 * 11)),
    );
  });

  it('are told in a line where they cannot be told', async () => {
    const notes: string[] = [];
    const source = await listen('udp://127.0.0.1:0', { onNote: (text) => notes.push(text) });
    const socket = await rawSender(source);
    const untimed = encode(spif, [chunkOf([[0, 500, 400, 1]])], {
      sensor: { width: 640, height: 480 },
      carrier: 'datagrams',
      timestamps: false,
    });
    await sendAll(
      socket,
      Array.from({ length: 20 }, () => untimed[0]!),
    );
    await until(() => source.counters.datagrams === 20);
    socket.close();
    await source.close();
    expect(source.counters.malformed).toBe(20);
    expect(notes).toEqual([
      'the protocol of these datagrams (4 bytes the last) cannot be told: name it by ?protocol=, and perhaps the size of the sensor by ?sensor=WxH',
      'so far 20 malformed datagrams or packets',
    ]);
  });
});
