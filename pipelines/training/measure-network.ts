import { arithmeticEnergy } from '../../src/models/energy.ts';
import type { Network } from '../../src/models/network.ts';
import { rasterOf } from '../../src/models/raster.ts';
import { Recorder } from '../../src/models/recorder.ts';
import { OperationCounter } from '../../src/models/synaptic-operations.ts';
import type { Trainer } from '../../src/models/trainer.ts';
import type { Labelled } from '../../src/streams/datasets/dataset.ts';
import type { NetworkMeasures, NetworkWork } from './network-measures.ts';
import type { SampleLoader } from './sample-loader.ts';

/** Samples whose operations are counted, and how many at a time: layer by layer they take more memory than training. */
const COUNTED_SAMPLES = 16;
const COUNTED_AT_ONCE = 4;

/** Counts the operations of evenly spaced recordings, and records the first of them. */
export async function measureNetwork<Token extends Labelled>(
  trainer: Pick<Trainer, 'network' | 'observe'>,
  tokens: readonly Token[],
  loader: SampleLoader<Token>,
): Promise<Pick<NetworkMeasures, 'work' | 'raster'>> {
  const count = Math.min(tokens.length, COUNTED_SAMPLES);
  const chosen = Array.from(
    { length: count },
    (_, index) => tokens[Math.floor((index * tokens.length) / count)]!,
  );
  const counter = new OperationCounter();
  for (let start = 0; start < count; start += COUNTED_AT_ONCE) {
    const group = chosen.slice(start, start + COUNTED_AT_ONCE);
    trainer.observe(await loader.loadBatch(group), { probe: counter.probe });
    await counter.collect(group.length);
  }
  const [{ id, label }] = chosen as [Token];
  const recorder = new Recorder({ potentials: true });
  trainer.observe(await loader.loadBatch(chosen.slice(0, 1)), recorder.options);
  const layers = (await recorder.read()).map((recording) => rasterOf(recording));
  return { work: workOf(counter, trainer.network), raster: { id, label, layers } };
}

function workOf(counter: OperationCounter, network: Network): NetworkWork {
  const { samples, layers, activity, ...measures } = counter.result(network);
  const { effectiveAcs: acs, effectiveMacs: macs, dense } = measures;
  const perSample = (value: number): number => value / samples;
  return {
    samples,
    layers: layers.map((layer) => ({
      ...layer,
      effective: perSample(layer.effective),
      dense: perSample(layer.dense),
    })),
    ...measures,
    energyPicojoules: arithmeticEnergy({ macs, acs }),
    densePicojoules: arithmeticEnergy({ macs: dense, acs: 0 }),
    spiking: activity.length > 0 && activity.every(({ binary }) => binary),
  };
}
