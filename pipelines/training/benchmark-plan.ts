import { type VggConfig, vggConfig } from '../../src/models/networks/vgg.ts';
import { lifNode } from '../../src/models/neurons.ts';
import type { ImageToken } from '../../src/streams/datasets/dataset.ts';
import type { Cifar10BenchmarkValues } from '../cifar10-benchmark.ts';
import { blocksOf } from './blocks-option.ts';
import { directImagePlan } from './direct-image-plan.ts';
import { learning } from './learn-options.ts';
import { namedSurrogate } from './named-surrogates.ts';
import type { NetworkMeasures } from './network-measures.ts';
import type { NetworkPlan, TrainingPlan } from './training-plan.ts';

/** What the notebook compares with, on CIFAR-10. */
const references = [
  { label: 'Spikformer V2, 95-96 % published', accuracy: 0.955 },
  { label: 'SEW-ResNet, 94 % published', accuracy: 0.94 },
];

/** Images ▸ SNN-VGG, shown them at every step ▸ ANN-VGG, shown them once ▸ gap and energy. */
export async function benchmarkPlan(options: Cifar10BenchmarkValues): Promise<TrainingPlan<ImageToken>> {
  const { timesteps, tau, threshold, hidden, batchNorm, learn } = options;
  const { surrogate } = namedSurrogate(options.surrogate, '--surrogate');
  const blocks = blocksOf(options.blocks);
  const constants = lifNode({ tau, threshold, decayInput: false, resetPotential: null, surrogate });
  const neuron = learning(constants, learn);
  const plan = await directImagePlan(options, ({ input, classes, shown }) => {
    const network = (neuron: VggConfig['neuron']): VggConfig =>
      vggConfig({ input, classes, blocks, hidden, batchNorm, neuron });
    const snn: NetworkPlan = { name: SNN, network: network(neuron), ...shown(timesteps) };
    const ann: NetworkPlan = { name: ANN, network: network('relu'), ...shown(1, { clip: 0 }) };
    return { both: [snn, ann], snn: [snn], ann: [ann] }[options.networks];
  });
  return { ...plan, references, conclusions: (networks) => comparison(networks, timesteps) };
}

const SNN = 'snn-vgg';
const ANN = 'ann-vgg';

/** What the two are compared for; nothing where one of them was trained alone. */
function comparison(networks: readonly NetworkMeasures[], timesteps: number): string[] {
  const [snn, ann] = [SNN, ANN].map((name) => networks.find(({ model }) => model === name));
  if (snn === undefined || ann === undefined) return [];
  const gap = 100 * (ann.accuracy - snn.accuracy);
  const ratio = (of: number): string => (snn.work.energyPicojoules / of).toFixed(3);
  const { ruleOfThumbRatio } = snn;
  return [
    `Accuracy gap, ${ANN} less ${SNN}: ${gap.toFixed(2)} points (target: below 2).`,
    `Energy of ${SNN} as a share of that of ${ANN}, counted by layer: ${ratio(ann.work.energyPicojoules)}, or ` +
      `${ratio(ann.work.densePicojoules)} where ${ANN} multiplies zeros too.`,
    ...(ruleOfThumbRatio === undefined
      ? []
      : [
          `Energy by the notebook's rule of thumb, rate x 0.9 / (0.5 x 4.6): ${ruleOfThumbRatio.toFixed(3)}; ` +
            `it forgets that there are ${timesteps} timesteps.`,
        ]),
  ];
}
