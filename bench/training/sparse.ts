/** Where a spike-driven convolution is faster than a dense one. */
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../../src/engines/engine.ts';
import { convolutionKernel, filterGradientKernel } from '../../src/engines/kernels/convolution.ts';
import { registerKernels } from '../../src/engines/kernels/kernel.ts';
import type { NativeBackend } from '../../src/engines/native/backend.ts';
import { nativeForms } from '../../src/engines/native/fused-kernels.ts';
import { RandomStream } from '../../src/random.ts';

/** Speed of the spike-driven convolution against the dense one. */
export interface DensityRow {
  readonly layer: string;
  /** Share of inputs that are not zero. */
  readonly share: number;
  readonly forward: number;
  readonly filterGradient: number;
}

const LAYERS = [
  { side: 32, inputs: 64, outputs: 64 },
  { side: 16, inputs: 128, outputs: 128 },
  { side: 8, inputs: 256, outputs: 256 },
];
const SHARES = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3];
const FRAMES = 64;
const PADDING = { top: 1, bottom: 1, left: 1, right: 1 };

/** Convolutions of SNN-VGG, by gathered filter rows and by oneDNN in turns, for growing shares of active inputs. */
export async function densities(threads: number, rounds: number): Promise<DensityRow[]> {
  await startEngine('native', { threads });
  const backend = tf.engine().backend as NativeBackend;
  const force = (sparse: boolean): void => {
    const limit = sparse ? 1 : 0;
    registerKernels(
      'native',
      nativeForms(backend, () => ({ forward: limit, filterGradient: limit })),
    );
  };
  const rows: DensityRow[] = [];
  for (const { side, inputs, outputs } of LAYERS) {
    const filter = tf.randomNormal([3, 3, inputs, outputs]);
    const outputGradient = tf.randomNormal([FRAMES, side, side, outputs]);
    for (const share of SHARES) {
      const random = new RandomStream(1, `${side}/${share}`);
      const values = Float32Array.from({ length: FRAMES * side * side * inputs }, (_, i) =>
        random.uniform(i) < share ? 1 : 0,
      );
      const input = tf.tensor(values, [FRAMES, side, side, inputs]);
      const attributes = { stride: 1, padding: PADDING };
      const runs = {
        forward: () => convolutionKernel.run({ input, filter }, attributes)[0]!,
        filterGradient: () =>
          filterGradientKernel.run(
            { outputGradient, input },
            { ...attributes, filterShape: filter.shape },
          )[0]!,
      };
      const gain = async (run: () => tf.Tensor): Promise<number> => {
        const seconds: Record<string, number[]> = { true: [], false: [] };
        for (let round = 0; round <= rounds; round++) {
          for (const sparse of [true, false]) {
            force(sparse);
            const start = performance.now();
            const output = run();
            await tf.tidy(() => tf.slice(tf.reshape(output, [-1]), 0, 1)).data();
            output.dispose();
            if (round > 0) seconds[`${sparse}`]!.push(performance.now() - start);
          }
        }
        return median(seconds['false']!) / median(seconds['true']!);
      };
      rows.push({
        layer: `${inputs} to ${outputs} at ${side}x${side}`,
        share,
        forward: await gain(runs.forward),
        filterGradient: await gain(runs.filterGradient),
      });
      input.dispose();
    }
    tf.dispose([filter, outputGradient]);
  }
  return rows;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
