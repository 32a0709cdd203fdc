import { expect, it } from 'vitest';
import { type CheckResult, reportText } from '../../bench/gpu/report.ts';

const result: CheckResult = {
  machine: {
    ...{ date: '2026-01-02T03:04:05.000Z', commit: 'abc', node: 'v20.0.0', processor: 'A processor' },
    ...{
      cores: 16,
      memoryGib: 128,
      gpu: 'NVIDIA Example, 9.0',
      pytorch: '2.11 on NVIDIA Example',
      cuda: true,
    },
  },
  quick: false,
  engines: { native: { detail: 'C++' }, webgpu: { reason: 'no adapter' } },
  conformance: { native: { passed: 9, failed: 1, firstFailure: 'lif: expected 1, found 2' } },
  cases: { 'vgg-train': 'SNN-VGG', 'vgg-stream': 'a stream' },
  timings: [
    { case: 'vgg-train', worker: 'native', medianSeconds: 0.5, peakMebibytes: 1 },
    { case: 'vgg-train', worker: 'pytorch', medianSeconds: 0.02, peakMebibytes: 1 },
    { case: 'vgg-train', worker: 'pytorch-loop', medianSeconds: 0.05, peakMebibytes: 1 },
    { case: 'vgg-stream', worker: 'native', medianSeconds: 0.0021, peakMebibytes: 1 },
  ],
  left: ['ssnn-48: no time was left'],
};

it('ends with one table of engines and peers, speed against the fastest peer', () => {
  const lines = reportText(result).trimEnd().split('\n');
  const table = lines.slice(lines.findIndex((line) => line.startsWith('|')));
  expect(
    table.map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    ),
  ).toStrictEqual([
    ['engine', 'device', 'conformance', 'vgg-train', 'vgg-stream'],
    expect.arrayContaining([expect.stringMatching(/^-+$/)]),
    ['native', 'C++', '1 of 10 FAILED', '500 (2.00/s, 0.04 x)', '2.10 (476/s)'],
    ['webgpu', 'does not run: see above', '-', '-', '-'],
    ['pytorch', '2.11 on NVIDIA Example', '-', '20.00 (50.0/s, 1.00 x)', '-'],
    ['pytorch-loop', '2.11 on NVIDIA Example', '-', '50.00 (20.0/s, 0.40 x)', '-'],
  ]);
});

it('names what does not run or was left out, with the reason', () => {
  const text = reportText(result);
  for (const line of ['- webgpu: no adapter', '- native: first failure: lif: expected 1, found 2']) {
    expect(text).toContain(`\n${line}\n`);
  }
  expect(text).toContain('- left out: ssnn-48: no time was left');
  expect(text).toContain('- commit abc');
});
