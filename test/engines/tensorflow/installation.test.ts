import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  enginesFolder,
  findTensorflow,
  installationIn,
} from '../../../src/engines/tensorflow/installation.ts';
import { findNvidiaGpu } from '../../../src/engines/tensorflow/nvidia.ts';
import { probeBinding } from '../../../src/engines/tensorflow/probe.ts';
import { EngineError } from '../../../src/errors.ts';
import { temporaryFolders } from '../../streams/temporary-folder.ts';

const makeFolder = temporaryFolders();
const note = {
  ...{ package: '@tensorflow/tfjs-node', packageVersion: '4.22.0', library: '2.21.0' },
  ...{ source: 'PyPI', gpu: false, date: '2026-01-01' },
};

describe('the folder of engines', () => {
  it('is named by the environment, or lies among the data of the user', () => {
    expect(enginesFolder({ RXSPIKE_ENGINES: '/opt/engines', XDG_DATA_HOME: '/data' })).toBe('/opt/engines');
    expect(enginesFolder({ XDG_DATA_HOME: '/data' })).toBe(join('/data', 'rxspike', 'engines'));
  });

  it('has an installation that the installer finished', () => {
    const place = 'tensorflow/node_modules/@tensorflow/tfjs-node';
    const folder = makeFolder({
      'tensorflow/installed.json': JSON.stringify(note),
      [`${place}/lib/napi-v8/tfjs_binding.node`]: '',
      [`${place}/lib/napi-v10/tfjs_binding.node`]: '',
    });
    expect(findTensorflow(folder)).toStrictEqual({
      name: '@tensorflow/tfjs-node',
      folder: join(folder, place),
      binding: join(folder, place, 'lib/napi-v10/tfjs_binding.node'),
      note,
    });
  });

  it.each(['', 'not json', '{"package":"left-pad"}'])('has none where the note is %j', (text) => {
    expect(installationIn(makeFolder({ 'installed.json': text }))).toBeUndefined();
  });
});

describe('a probe', () => {
  it('says in one line that a binding does not load', async () => {
    const binding = join(makeFolder({ 'tfjs_binding.node': 'no addon' }), 'tfjs_binding.node');
    const probe = probeBinding(binding);
    await expect(probe).rejects.toThrow(EngineError);
    await expect(probe).rejects.toThrow(/^.*tfjs_binding\.node: does not compute: .*$/);
  });

  it('says that a binding computes something else', async () => {
    // Any file that Node loads will do for a binding.
    const wrong = `module.exports = { TF_Version: '0', isUsingGpuDevice: () => false, createTensor: () => 0,
      executeOp: () => [{ id: 0 }], tensorDataSync: () => new Float32Array(8) };`;
    const binding = join(makeFolder({ 'binding.cjs': wrong }), 'binding.cjs');
    await expect(probeBinding(binding)).rejects.toThrow(
      /expected a convolution to sum to -?\d+, found 0 on the processor/,
    );
  });

  it('names the reason that TensorFlow gives for a GPU it does not use', async () => {
    const log = [
      'I0000 00:00:1 cuda_executor.cc:9] could not open file to read NUMA node',
      'W0000 00:00:1 gpu_device.cc:2342] Cannot dlopen some GPU libraries. Please make sure they are installed.',
      'Skipping registering GPU devices...',
    ].join('\\n');
    const echo = `module.exports = { TF_Version: '9', isUsingGpuDevice: () => false, createTensor: (shape, type, values) => { console.error('${log}'); sum(shape, values); return 0; },
      executeOp: () => [{ id: 0 }], tensorDataSync: () => output };
      let output, input;
      function sum(shape, values) {
        if (input === undefined) { input = values; return; }
        output = new Float32Array(14 * 14 * 8);
        for (let i = 0; i < output.length; i++) for (let tap = 0; tap < 9; tap++) for (let from = 0; from < 8; from++) {
          const row = Math.floor(i / 112) + Math.floor(tap / 3), column = Math.floor(i / 8) % 14 + tap % 3;
          output[i] += input[(row * 16 + column) * 8 + from] * values[(tap * 8 + from) * 8 + i % 8];
        }
      }`;
    const binding = join(makeFolder({ 'binding.cjs': echo }), 'binding.cjs');
    const probe = await probeBinding(binding);
    expect(probe).toMatchObject({ version: '9', gpu: false, device: 'the processor' });
    expect(probe.reason).toContain('Cannot dlopen some GPU libraries');
  });
});

it.each(['', '-1'])('sees no GPU where CUDA_VISIBLE_DEVICES is %j', (hidden) => {
  expect(findNvidiaGpu({ CUDA_VISIBLE_DEVICES: hidden })).toBeUndefined();
});
