import type { CrossEntropyAttributes } from '../../kernels/cross-entropy.ts';
import type { KernelForm } from '../../kernels/kernel.ts';
import { THREADS, type WebGpuDevice } from '../device.ts';

/** Losses and their slopes by the logits: a thread a row. */
export function crossEntropyForm(
  device: WebGpuDevice,
): KernelForm<'logits' | 'labels', CrossEntropyAttributes> {
  return ({ logits, labels }, { smoothing }) => {
    const [rows, classes] = logits.shape as [number, number];
    const [losses, slopes] = [device.output([rows]), device.output([rows, classes])];
    device.run(
      'CrossEntropy',
      '',
      () => ({
        reads: ['logits', ['labels', 'i32']],
        writes: ['losses', 'slopes'],
        numbers: { rows: 'u32', classes: 'u32', smoothing: 'f32' },
        body: `
if (thread >= n.rows) { return; }
let first = thread * n.classes;
var most = logits[first];
for (var i = 1u; i < n.classes; i++) { most = max(most, logits[first + i]); }
var sum = 0f;
for (var i = 0u; i < n.classes; i++) { sum += exp(logits[first + i] - most); }
let base = most + log(sum);
let spread = n.smoothing / f32(n.classes);
var loss = 0f;
for (var i = 0u; i < n.classes; i++) {
  let wanted = spread + select(0f, 1f - n.smoothing, i32(i) == labels[thread]);
  let logProbability = logits[first + i] - base;
  loss -= logProbability * wanted;
  slopes[first + i] = exp(logProbability) - wanted;
}
losses[thread] = loss;`,
      }),
      {
        reads: [logits, labels],
        writes: [losses, slopes],
        numbers: [rows, classes, smoothing],
        groups: Math.ceil(rows / THREADS),
      },
    );
    return [losses, slopes];
  };
}
