import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWithShared, sharedPath } from '../../shared-data.ts';
import { exchange, expectRows, fromFirst, type Loaded, load } from './loopback.ts';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../fixtures/recordings/${name}`, import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxspike-sockets-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** Protocol, where the source is, where the sender sends to; whoever has port 0 listens. */
const ways: readonly (readonly [name: string, from: string, to: string])[] = [
  ['spif', 'udp://127.0.0.1:0', 'udp://127.0.0.1:0'],
  ['faery', 'udp://127.0.0.1:0', 'udp://127.0.0.1:0?protocol=faery'],
  ['faery-t32', 'udp://127.0.0.1:0', 'udp://127.0.0.1:0?protocol=faery-t32'],
  ['jaer', 'udp://127.0.0.1:0', 'udp://127.0.0.1:0?protocol=jaer'],
  ['jaer', 'udp://127.0.0.1:0?protocol=jaer&endian=little', 'udp://127.0.0.1:0?protocol=jaer&endian=little'],
  ['caer', 'udp://127.0.0.1:0', 'udp://127.0.0.1:0?protocol=caer'],
  ['es', 'udp://127.0.0.1:0', 'udp://127.0.0.1:0?protocol=es'],
  ['dv', 'tcp://127.0.0.1:0', 'tcp://127.0.0.1:0?listen'],
  ['dv', 'tcp://127.0.0.1:0?listen', 'tcp://127.0.0.1:0'],
  ['caer', 'tcp://127.0.0.1:0', 'tcp://127.0.0.1:0?listen&protocol=caer'],
  ['jaer', 'tcp://127.0.0.1:0?protocol=jaer', 'tcp://127.0.0.1:0?listen&protocol=jaer'],
  ['aedat2', 'tcp://127.0.0.1:0?listen', 'tcp://127.0.0.1:0?protocol=aedat2'],
  ['arrow', 'tcp://127.0.0.1:0?listen', 'tcp://127.0.0.1:0?protocol=arrow'],
  ['dv', 'unix:FOLDER/dv.sock', 'unix:FOLDER/dv.sock?listen'],
  ['caer', 'unix:FOLDER/caer.sock?listen', 'unix:FOLDER/caer.sock?protocol=caer'],
  ['spif', 'ws://127.0.0.1:0?listen', 'ws://127.0.0.1:0'],
  ['faery', 'ws://127.0.0.1:0/camera', 'ws://127.0.0.1:0?listen&protocol=faery'],
  ['jaer', 'ws://127.0.0.1:0?listen', 'ws://127.0.0.1:0?protocol=jaer'],
  ['caer', 'ws://127.0.0.1:0?listen', 'ws://127.0.0.1:0?protocol=caer'],
  ['dv', 'ws://127.0.0.1:0?listen', 'ws://127.0.0.1:0?protocol=dv'],
];

/** Sends a recording each way: what arrives is what the file holds. */
function arrivesEqual(recording: () => Loaded, chosen = ways): void {
  it.each(chosen)('%s: %s from %s', async (name, from, to) => {
    const place = (text: string): string => text.replace('FOLDER', folder);
    const { rows, source, sent } = await exchange(recording(), place(from), place(to));
    const events = recording().rows.length;
    expect(source.protocol?.name).toBe(name);
    expect(source.protocol?.detected).toBe(!from.includes('protocol='));
    expectRows(fromFirst(rows), fromFirst(recording().rows));
    expect(sent).toMatchObject({ protocol: name, events, refused: 0, reconnections: 0 });
    expect(source.counters).toMatchObject({
      received: events,
      delivered: events,
      dropped: 0,
      malformed: 0,
      lost: 0,
      backward: 0,
      bytes: sent.bytes,
    });
  });
}

describe('a recording of a DVS128, sent', () => {
  let recording: Loaded;
  beforeAll(async () => {
    recording = await load(fixture('dvs128.aedat'));
  });
  arrivesEqual(() => recording);
});

describe('a recording of a DAVIS240, sent', () => {
  let recording: Loaded;
  beforeAll(async () => {
    recording = await load(fixture('davis240.aedat'));
  });
  arrivesEqual(
    () => recording,
    ways.filter(([name]) => name === 'jaer'),
  );
});

/** One way for each protocol and carrier. */
const some = ways.filter(([, from]) => !/^(unix|ws)|little|listen/.test(from));

const walking = 'data/recordings/dvs128_alex_walking_again.aedat';
describeWithShared('a real recording of a DVS128, sent', [walking], () => {
  let recording: Loaded;
  beforeAll(async () => {
    recording = await load(sharedPath(walking));
  });
  arrivesEqual(() => recording, some);
});

const davis = 'data/recordings/redpob_dvSave-2024_06_13_16_16_25.aedat4';
describeWithShared('a real recording of a DAVIS346 in times since 1970, sent', [davis], () => {
  let recording: Loaded;
  beforeAll(async () => {
    recording = await load(sharedPath(davis));
  });
  arrivesEqual(() => recording, some);
});
