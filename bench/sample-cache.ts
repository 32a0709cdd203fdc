/**
 * Reading of a training epoch with and without the disk cache: milliseconds a sample from recording to frames, by the
 * clock and of processor time, which a busy machine changes less.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sampleShape } from '../pipelines/training/binning-options.ts';
import { SampleCache } from '../pipelines/training/sample-cache.ts';
import { SampleLoader } from '../pipelines/training/sample-loader.ts';
import { table } from '../src/reports/table.ts';
import { openCifar10Dvs } from '../src/streams/datasets/cifar10dvs.ts';
import type { Dataset, LabelledRecording } from '../src/streams/datasets/dataset.ts';
import { openNmnist } from '../src/streams/datasets/nmnist.ts';
import { openSimulatedShapes } from '../src/streams/datasets/simulated.ts';
import { aedat2 } from '../src/streams/formats/index.ts';
import { writeRecording } from '../src/streams/recording-file.ts';
import { cacheUsage } from '../src/streams/sample-cache/cache-folder.ts';
import { DiskSampleCache, samplesIn } from '../src/streams/sample-cache/disk-sample-cache.ts';
import { benchOptions } from './options.ts';

const BATCH = 16;
const { files } = benchOptions(
  'npm run bench:cache -- [DIR]',
  `Reading of a training epoch with and without the disk cache, in milliseconds a sample from recording to frames:
simulated recordings, 128 x 128, and those of N-MNIST in DIR.`,
  {},
);
const folder = mkdtempSync(join(tmpdir(), 'rxspike-bench-'));
try {
  const rows: string[][] = [];
  const [nmnist] = files;
  if (nmnist !== undefined) rows.push(...(await measure('N-MNIST', await openNmnist(nmnist), 34, 10)));
  rows.push(...(await measure('128 x 128', await openCifar10Dvs(await writeShapes()), 128, 8)));
  const titles = ['recordings', 'samples', 'epoch', 'ms a sample', 'CPU ms', 'decoded', 'MiB on disk'];
  console.log(
    table(
      titles.map((title) => ({ title })),
      rows,
    ),
  );
} finally {
  rmSync(folder, { recursive: true });
}

/** Generated recordings of 128 x 128 pixels as AEDAT 2.0 files by class. */
async function writeShapes(): Promise<string> {
  const sensor = { width: 128, height: 128 };
  const set = await openSimulatedShapes({ count: 100, sensor });
  const path = join(folder, 'shapes');
  for (const recording of set.parts.all!) {
    const place = join(path, set.classNames[recording.label]!);
    mkdirSync(place, { recursive: true });
    const file = join(place, `${recording.id.replaceAll('/', '-')}.aedat`);
    await writeRecording(file, recording.chunks(), { format: aedat2, sensor, simulated: true });
  }
  return path;
}

/** Epochs without a cache, with an empty one, with a filled one in the same run, and in the next run. */
async function measure(
  name: string,
  set: Dataset<LabelledRecording>,
  size: number,
  bins: number,
): Promise<string[][]> {
  const tokens = set.parts.train ?? set.parts.all!;
  const options = { size, bins, binMs: undefined, steps: undefined };
  const { read, transform } = sampleShape(options, set.size!, set.classNames);
  const cacheDir = join(folder, `cache-${size}`);
  let decoded = 0;
  const loaderOver = (disk?: DiskSampleCache): SampleLoader<LabelledRecording> =>
    new SampleLoader(
      {
        read: (token: LabelledRecording) => {
          decoded++;
          return read(token);
        },
      },
      new SampleCache(0),
      disk,
    );
  const disk = (): DiskSampleCache => new DiskSampleCache(cacheDir, 2 ** 33, transform);
  const plain = loaderOver();
  const first = loaderOver(disk());
  const rows: string[][] = [];
  for (const [epoch, loader] of [
    ['warm-up', plain],
    ['without', plain],
    ['without', plain],
    ['first, filling', first],
    ['second', first],
    ['next run', loaderOver(disk())],
    ['next run', loaderOver(disk())],
  ] as const) {
    decoded = 0;
    const started = performance.now();
    const cpuStarted = process.cpuUsage();
    for (let i = 0; i < tokens.length; i += BATCH) await loader.loadBatch(tokens.slice(i, i + BATCH));
    const millis = ((performance.now() - started) / tokens.length).toFixed(3);
    const cpu = process.cpuUsage(cpuStarted);
    const cpuMillis = ((cpu.user + cpu.system) / 1000 / tokens.length).toFixed(3);
    const bytes = (await cacheUsage(samplesIn(cacheDir))).bytes;
    rows.push([
      name,
      `${tokens.length}`,
      epoch,
      millis,
      cpuMillis,
      `${decoded}`,
      (bytes / 2 ** 20).toFixed(1),
    ]);
  }
  await set.close();
  return rows.slice(1);
}
