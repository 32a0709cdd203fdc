/**
 * Accuracy of networks that PyTorch trained, in PyTorch and here, with the same weights on the same test images. The files
 * are what `--save` of bench/peers/{surrogates,benchmark,mnist_dfa}.py writes.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { type EngineName, startEngine } from '../src/engines/engine.ts';
import type { LabelledImage, Sample } from '../src/events.ts';
import { type Checkpoint, decodeCheckpoint, restoreNetwork } from '../src/models/checkpoint.ts';
import { createTrainer } from '../src/models/trainer.ts';
import { batchSamples } from '../src/operators/batch.ts';
import { openCifar10 } from '../src/streams/datasets/cifar10.ts';
import type { Dataset, ImageToken } from '../src/streams/datasets/dataset.ts';
import { openMnist } from '../src/streams/datasets/mnist.ts';
import { benchOptions, json, refuse } from './options.ts';

const { options, files } = benchOptions(
  'node dist/bench/same-weights.js FILE…',
  `Accuracy of networks that PyTorch trained (FILE: what --save of bench/peers/surrogates.py, benchmark.py and mnist_dfa.py
writes), there and here, with the same weights on the same test images.`,
  {
    cifar10: { value: 'DIR', help: 'CIFAR-10' },
    mnist: { value: 'DIR', help: 'MNIST' },
    engine: { value: 'NAME', help: 'tensor engine', default: 'auto' },
    json,
  },
);
if (files.length === 0) refuse('FILE… is missing: what PyTorch trained');

/** What a peer keeps beside the weights. */
const peerSchema = v.object({
  accuracy: v.number(),
  /** Class of each of the first test images. */
  predicted: v.array(v.number()),
  /** File beside the checkpoint: the spikes [image, step, pixel] that the images were shown as, a bit each. */
  spikes: v.optional(v.string()),
});

const BATCH = 50;

/** The frames of an image, [steps, height, width, channels]. */
type Frames = (index: number, image: LabelledImage) => Pick<Sample, 'frames' | 'shape'>;

/** How the images are shown. */
async function framesOf(
  { network, feed }: Checkpoint,
  spikes: string | undefined,
  folder: string,
): Promise<Frames> {
  const { height, width, channels } = network.input;
  if (spikes === undefined) {
    return (_, { pixels }) => ({ frames: Float32Array.from(pixels), shape: [1, height, width, channels] });
  }
  const bits = await readFile(join(folder, spikes));
  const steps = feed.encoding!.steps;
  const size = steps * height * width * channels;
  return (index) => ({
    frames: Float32Array.from({ length: size }, (_, i) => {
      const bit = index * size + i;
      return (bits[bit >> 3]! >> (7 - (bit & 7))) & 1;
    }),
    shape: [steps, height, width, channels],
  });
}

await startEngine(options.engine as EngineName);
const opened = new Map<string, Dataset<ImageToken>>();

/** The official test images of the set that a network is for. */
async function testImages(kind: Checkpoint['network']['kind']): Promise<readonly ImageToken[]> {
  const [flag, path] = kind === 'dfa-net' ? ['--mnist', options.mnist] : ['--cifar10', options.cifar10];
  if (path === undefined) return refuse(`${flag} is missing: the folder of the images`);
  const dataset = opened.get(path) ?? (await (kind === 'dfa-net' ? openMnist : openCifar10)(path));
  opened.set(path, dataset);
  return dataset.parts.test ?? [];
}

for (const file of files) {
  const checkpoint = decodeCheckpoint(await readFile(file), file);
  const peer = v.parse(peerSchema, checkpoint.extra);
  const { network: config, feed } = checkpoint;
  const tokens = (await testImages(config.kind)).slice(0, peer.predicted.length);
  const frames = await framesOf(checkpoint, peer.spikes, dirname(file));
  const network = restoreNetwork(checkpoint);
  const direct = feed.encoding?.kind === 'direct';
  const trainer = createTrainer(network, {
    seed: 0,
    optimiser: { kind: 'sgd', learningRate: 0 },
    ...(direct && { repeat: feed.encoding!.steps, images: { normalisation: feed.normalisation! } }),
  });
  let [correct, same] = [0, 0];
  for (let from = 0; from < tokens.length; from += BATCH) {
    const samples = await Promise.all(
      tokens.slice(from, from + BATCH).map(async ({ id, label, load }, index): Promise<Sample> => {
        const shown = frames(from + index, await load());
        return { id, label, ...shown, length: shown.shape[0] };
      }),
    );
    const metrics = await trainer.evaluateStep(batchSamples(samples));
    correct += metrics.correct;
    for (const [index, predicted] of metrics.predicted.entries()) {
      if (predicted === peer.predicted[from + index]) same++;
    }
  }
  network.dispose();
  const accuracy = correct / tokens.length;
  const points = 100 * (accuracy - peer.accuracy);
  const line = { file, network: config.kind, images: tokens.length, accuracy, pytorch: peer.accuracy, same };
  console.log(
    options.json
      ? JSON.stringify(line)
      : `${file}: ${(100 * accuracy).toFixed(1)} % here, ${(100 * peer.accuracy).toFixed(1)} % in PyTorch ` +
          `(${points >= 0 ? '+' : ''}${points.toFixed(1)} points), the same class for ${same} of ${tokens.length} images`,
  );
}
for (const dataset of opened.values()) await dataset.close();
