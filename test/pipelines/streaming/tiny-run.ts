import { writeFile } from 'node:fs/promises';
import { RunDirectory } from '../../../pipelines/training/run-directory.ts';
import { startEngine } from '../../../src/engines/engine.ts';
import { encodeCheckpoint, saveTensors } from '../../../src/models/checkpoint.ts';
import type { Feed } from '../../../src/models/feed.ts';
import { createNetwork } from '../../../src/models/network.ts';
import { nmnistNetConfig } from '../../../src/models/networks/nmnist-net.ts';

export const tinySensor = { width: 34, height: 34 };
export const tinyFeed: Feed = {
  sensor: tinySensor,
  frame: { width: 17, height: 17, channels: 2 },
  binning: { kind: 'count', bins: 10 },
  binMicros: 30_000,
  classNames: ['zero', 'one', 'two'],
};

/** What differs between tiny runs. */
export interface TinyRun {
  /** Networks by name, each with the seed of its random weights; those without an epoch have none. */
  readonly networks?: Readonly<Record<string, number | undefined>>;
  readonly feed?: Feed;
  readonly simulated?: boolean;
}

/** Makes a run directory with small networks of random weights. */
export async function makeTinyRun(path: string, options: TinyRun = {}): Promise<void> {
  const { networks = { net: 1 }, feed = tinyFeed, simulated = false } = options;
  const run = await RunDirectory.create(path, {
    pipeline: 'nmnist-train',
    versions: { rxspike: '0.0.0', node: process.versions.node },
    options: {},
    engine: { name: 'cpu', threads: 1 },
    data: 'random weights',
    simulated,
    classNames: feed.classNames,
    networks: Object.keys(networks),
    startedAt: new Date(0).toISOString(),
  });
  const engine = await startEngine('cpu');
  try {
    for (const [name, seed] of Object.entries(networks)) {
      if (seed === undefined) continue;
      const { width, height, channels } = feed.frame;
      const config = nmnistNetConfig({
        input: { width, height, channels },
        classes: feed.classNames.length,
        channels: [4, 4],
      });
      const network = createNetwork(config, seed);
      const checkpoint = {
        network: config,
        feed,
        tensors: await saveTensors(network),
        progress: { epoch: 1, batch: 0 },
        engine: 'cpu',
        threads: 1,
        simulated,
      };
      network.dispose();
      await run.writeCheckpoint(name, 'best', encodeCheckpoint(checkpoint));
    }
  } finally {
    engine.stop();
  }
}

/** One event: time in microseconds, x, y, polarity. */
export type Row = readonly [micros: number, x: number, y: number, on: number];

/** A dot that runs over the sensor, in N-MNIST's 23 bits of time. */
export function movingDot(events: number, stepMicros = 97): Row[] {
  return Array.from({ length: events }, (_, i): Row => {
    const turn = (i * stepMicros) / 100_000;
    const x = Math.round(16.5 + 12 * Math.cos(turn) + ((i * 7) % 5) - 2);
    const y = Math.round(16.5 + 12 * Math.sin(turn) + ((i * 3) % 5) - 2);
    return [i * stepMicros, x, y, (i >> 2) & 1];
  });
}

/** The bytes of an N-MNIST file. */
export function nmnistBytes(rows: readonly Row[]): Uint8Array {
  return Uint8Array.from(
    rows.flatMap(([t, x, y, on]) => [x, y, (on << 7) | ((t >> 16) & 0x7f), (t >> 8) & 0xff, t & 0xff]),
  );
}

/** Writes a recording of a moving dot. */
export async function writeMovingDot(path: string, events = 3000): Promise<void> {
  await writeFile(path, nmnistBytes(movingDot(events)));
}
