import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../src/engines/engine.ts';
import { FormatError, ShapeError } from '../../src/errors.ts';
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  loadTensors,
  restoreNetwork,
  saveTensors,
} from '../../src/models/checkpoint.ts';
import type { Feed } from '../../src/models/feed.ts';
import { createNetwork, type NetworkConfig } from '../../src/models/network.ts';
import { nmnistNetConfig } from '../../src/models/networks/nmnist-net.ts';
import { ssnnConfig } from '../../src/models/networks/ssnn.ts';
import { createOptimiser } from '../../src/models/optimisers.ts';
import { decodeTensors, encodeTensors } from '../../src/models/safetensors.ts';
import { randomTensor } from './tensors.ts';

beforeAll(async () => {
  await startEngine('cpu');
});

const input = { height: 8, width: 8, channels: 2 };
const configs: NetworkConfig[] = [
  ssnnConfig({ input, classes: 2, timesteps: [2, 1], channels: [4, 4] }),
  nmnistNetConfig({ input, classes: 2, channels: [2] }),
];
const feed: Feed = {
  sensor: { width: 128, height: 128 },
  crop: { x: 0, y: 16, width: 96, height: 96 },
  frame: { width: 8, height: 8, channels: 2 },
  binning: { kind: 'count', bins: 2 },
  binMicros: 1234.5,
  steps: 2,
  classNames: ['a', 'b'],
};

async function checkpointOf(config: NetworkConfig): Promise<Checkpoint> {
  const network = createNetwork(config, 1);
  const optimiser = createOptimiser({ kind: 'adamw', learningRate: 1e-3 }, network.parameters);
  const gradients = network.parameters
    .filter(({ trainable }) => trainable)
    .map(({ name, variable }) => [name, randomTensor(variable.shape, name)] as const);
  optimiser.update(new Map(gradients), 1e-3);
  return {
    network: config,
    feed,
    tensors: await saveTensors(network),
    optimiser: await optimiser.save(),
    progress: { epoch: 3, batch: 5 },
    engine: 'cpu',
    threads: 1,
    simulated: true,
    extra: { best: 0.1 + 0.2 },
  };
}

describe.each(configs)('a checkpoint of $kind', (config) => {
  it('comes back from its bytes, bit for bit, and makes the same network', async () => {
    const checkpoint = await checkpointOf(config);
    const bytes = encodeCheckpoint(checkpoint);
    expect(encodeCheckpoint(checkpoint)).toStrictEqual(bytes);
    const decoded = decodeCheckpoint(bytes);
    expect(decoded).toStrictEqual(checkpoint);
    const network = restoreNetwork(decoded);
    const original = createNetwork(config, 0);
    loadTensors(original, checkpoint.tensors);
    const sequence = randomTensor([1, 2, 8, 8, 2], 'sequence');
    expect(await network.forward(sequence).output.data()).toStrictEqual(
      await original.forward(sequence).output.data(),
    );
  });

  it('of the network alone has no optimiser', async () => {
    const { optimiser: _, ...alone } = await checkpointOf(config);
    expect(decodeCheckpoint(encodeCheckpoint(alone))).toStrictEqual(alone);
  });
});

describe('loading', () => {
  it('prints both shapes where they differ, and names what is missing or too much', async () => {
    const [config] = configs as [NetworkConfig];
    const checkpoint = await checkpointOf(config);
    const wider = { ...checkpoint, network: { ...config, classes: 3 } as NetworkConfig };
    expect(() => restoreNetwork(wider)).toThrow(ShapeError);
    expect(() => restoreNetwork(wider)).toThrow(
      'ssnn: parameter "early1.weight" expects shape [4,3], found [4,2]',
    );
    const tensors = new Map(checkpoint.tensors);
    tensors.delete('head.bias');
    expect(() => restoreNetwork({ ...checkpoint, tensors })).toThrow(
      'ssnn: parameter "head.bias" expects shape [2], found none',
    );
    tensors.set('other', { shape: [1], values: new Float32Array(1) });
    expect(() => restoreNetwork({ ...checkpoint, tensors })).toThrow('ssnn: no parameter is called "other"');
  });
});

describe('metadata', () => {
  const withMetadata = (metadata: unknown): Uint8Array =>
    encodeTensors({ tensors: new Map(), metadata: { rxspike: JSON.stringify(metadata) } });
  const valid = async () =>
    JSON.parse(decodeTensors(encodeCheckpoint(await checkpointOf(configs[0]!))).metadata['rxspike']!);

  it.each<[string, (metadata: Record<string, object>) => unknown, RegExp]>([
    ['that is no object', () => 1, /metadata/],
    ['of another version', (m) => ({ ...m, version: 2 }), /version/],
    ['with an unknown network', (m) => ({ ...m, network: { kind: 'lenet' } }), /network.*ssnn, nmnist-net/],
    [
      'with a network that is not whole',
      (m) => ({ ...m, network: { ...m['network'], classes: 0 } }),
      /network\.classes/,
    ],
    ['with a key nobody knows', (m) => ({ ...m, surprise: 1 }), /surprise/],
    ['with a feed that is not whole', (m) => ({ ...m, feed: { classNames: [] } }), /feed/],
  ])('%s is refused', async (_, change, message) => {
    const bytes = withMetadata(change(await valid()));
    expect(() => decodeCheckpoint(bytes, 'x.safetensors')).toThrow(FormatError);
    expect(() => decodeCheckpoint(bytes, 'x.safetensors')).toThrow(message);
    expect(() => decodeCheckpoint(bytes, 'x.safetensors')).toThrow(
      /^x\.safetensors: checkpoint: .*at byte 8$/,
    );
  });

  it('may not be missing, nor other than JSON', () => {
    const bytes = (metadata: Record<string, string>) => encodeTensors({ tensors: new Map(), metadata });
    expect(() => decodeCheckpoint(bytes({}))).toThrow(/expected metadata "rxspike", found none/);
    expect(() => decodeCheckpoint(bytes({ rxspike: '{' }))).toThrow(/not JSON/);
  });
});

it('meets hostile bytes with a known error or a network', async () => {
  const valid = encodeCheckpoint(await checkpointOf(configs[1]!));
  const header = 8 + Number(new DataView(valid.buffer).getBigUint64(0, true));
  const mutation = fc.record({ at: fc.nat(header + 8), byte: fc.integer({ min: 32, max: 126 }) });
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
      const bytes = valid.slice();
      for (const { at, byte } of mutations) bytes[at] = byte;
      try {
        restoreNetwork(decodeCheckpoint(bytes)).dispose();
      } catch (error) {
        expect(error instanceof FormatError || error instanceof ShapeError, String(error)).toBe(true);
      }
    }),
    { numRuns: 1000 },
  );
});
