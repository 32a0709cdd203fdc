/**
 * Resident memory over many training steps. The memory and the engine's tensors must stay where they are once the first
 * tenth is over.
 */
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../src/engines/engine.ts';
import { createNetwork } from '../src/models/network.ts';
import { ssnnConfig } from '../src/models/networks/ssnn.ts';
import { createTrainer } from '../src/models/trainer.ts';
import { batchSamples } from '../src/operators/batch.ts';
import { RandomStream } from '../src/random.ts';
import { benchOptions, json } from './options.ts';

const { options } = benchOptions(
  'npm run bench:steps --',
  'Resident memory and tensors over many training steps of SSNN (16x16 frames, batch 2), after every tenth of them.',
  {
    steps: { value: 'N', help: 'training steps', default: 10_000 },
    engine: { value: 'NAME', help: 'tensor engine', default: 'auto' },
    json,
  },
);

const engine = await startEngine(options.engine as 'auto');
const side = 16;
const network = createNetwork(
  ssnnConfig({ input: { height: side, width: side, channels: 2 }, classes: 10 }),
  42,
);
const trainer = createTrainer(network, {
  seed: 42,
  optimiser: { kind: 'adamw', learningRate: 1e-3, weightDecay: 1e-4 },
  clipNorm: 1,
});
const shape = [8, side, side, 2] as const;
const batch = batchSamples(
  [0, 1].map((label) => {
    const random = new RandomStream(1, `${label}`);
    const size = shape.reduce((product, length) => product * length, 1);
    const frames = Float32Array.from({ length: size }, (_, i) => (random.uniform(i) < 0.1 ? 1 : 0));
    return { id: `${label}`, label, frames, shape, length: shape[0] };
  }),
);

const total = options.steps;
const measured: { steps: number; residentMebibytes: number; tensors: number }[] = [];
for (let step = 1; step <= total; step++) {
  await trainer.trainStep(batch);
  if (step % Math.max(1, Math.floor(total / 10)) === 0) {
    const residentMebibytes = Math.round(process.memoryUsage.rss() / 2 ** 20);
    measured.push({ steps: step, residentMebibytes, tensors: tf.memory().numTensors });
    if (!options.json)
      console.log(`${step} steps: ${residentMebibytes} MiB, ${measured.at(-1)!.tensors} tensors`);
  }
}
if (options.json) console.log(JSON.stringify({ engine: engine.name, measured }));
engine.stop();
