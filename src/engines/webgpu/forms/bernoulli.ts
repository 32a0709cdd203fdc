import { RandomStream } from '../../../random.ts';
import type { BernoulliAttributes } from '../../kernels/bernoulli.ts';
import type { KernelForm } from '../../kernels/kernel.ts';
import { THREADS, type WebGpuDevice } from '../device.ts';

/** Philox4x32-10 (src/random.ts), its products in halves of 16 bits: WGSL has no wider integers. */
const philox = `
fn multiplyHigh(a : u32, b : u32) -> u32 {
  let al = a & 0xffffu; let ah = a >> 16u; let bl = b & 0xffffu; let bh = b >> 16u;
  let middle = ah * bl + ((al * bl) >> 16u);
  let carry = (middle & 0xffffu) + al * bh;
  return ah * bh + (middle >> 16u) + (carry >> 16u);
}
fn philox(counter : vec4<u32>, key : vec2<u32>) -> vec4<u32> {
  var c = counter;
  var k = key;
  for (var round = 0; round < 10; round++) {
    c = vec4<u32>(
      multiplyHigh(0xcd9e8d57u, c.z) ^ c.y ^ k.x, 0xcd9e8d57u * c.z,
      multiplyHigh(0xd2511f53u, c.x) ^ c.w ^ k.y, 0xd2511f53u * c.x);
    k += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}`;

/** Random spikes: a thread makes a block of four numbers, and the spikes that they draw. */
export function bernoulliForm(device: WebGpuDevice): KernelForm<never, BernoulliAttributes> {
  return (_, { seed, streams, limits, from, steps }) => {
    const samples = streams.length;
    const places = limits.length / Math.max(1, samples);
    const output = device.output([samples, steps, places]);
    if (samples * steps * places === 0) return [output];
    const words = Uint32Array.from(streams.flatMap((name) => new RandomStream(seed, name).words.stream));
    const { key } = new RandomStream(seed, '').words;
    const first = from * places;
    const firstBlock = Math.floor(first / 4);
    const blocks = Math.ceil((first + steps * places) / 4) - firstBlock;
    device.run(
      'Bernoulli',
      '',
      () => ({
        reads: ['limits', ['streams', 'u32']],
        writes: ['spikes'],
        numbers: {
          ...{ count: 'u32', blocks: 'u32', draws: 'u32', places: 'u32', skipped: 'u32' },
          ...{ low: 'u32', high: 'u32', key0: 'u32', key1: 'u32' },
        },
        declarations: philox,
        body: `
if (thread >= n.count) { return; }
let sample = thread / n.blocks;
let block = thread % n.blocks;
let low = n.low + block;
let high = n.high + select(0u, 1u, low < block);
let stream = vec2<u32>(streams[2u * sample], streams[2u * sample + 1u]);
let words = philox(vec4<u32>(low, high, stream), vec2<u32>(n.key0, n.key1));
for (var i = 0u; i < 4u; i++) {
  let draw = block * 4u + i - n.skipped;
  if (block * 4u + i >= n.skipped && draw < n.draws) {
    let limit = limits[sample * n.places + draw % n.places];
    spikes[sample * n.draws + draw] = select(0f, 1f, f32(words[i] >> 8u) < limit);
  }
}`,
      }),
      {
        reads: [device.upload(limits), device.upload(words)],
        writes: [output],
        numbers: [
          ...[samples * blocks, blocks, steps * places, places, first - 4 * firstBlock],
          ...[firstBlock % 2 ** 32, Math.floor(firstBlock / 2 ** 32), ...key],
        ],
        groups: Math.ceil((samples * blocks) / THREADS),
      },
    );
    return [output];
  };
}
