import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultRunPath, type RunConfig, RunDirectory } from '../../pipelines/training/run-directory.ts';

const config: RunConfig = {
  pipeline: 'example-train',
  versions: { rxspike: '0.1.0', node: 'v20.19.0' },
  options: { epochs: 3, data: undefined },
  engine: { name: 'wasm', threads: 2 },
  data: 'simulated shapes',
  simulated: true,
  classNames: ['a', 'b'],
  networks: ['net'],
  startedAt: '2026-01-01T00:00:00.000Z',
};

describe('RunDirectory', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rxspike-run-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('holds configuration, split, metrics, checkpoints and result', async () => {
    const path = join(folder, 'deep', 'run');
    const run = await RunDirectory.create(path, config);
    expect(await run.readSplit()).toBeUndefined();
    expect(await run.readCheckpoint('net', 'last')).toBeUndefined();
    await run.writeSplit({ train: ['a/1'], validation: [], test: ['b/1'] });
    await run.writeMetrics('net', [{ epoch: 1 }]);
    await run.writeMetrics('other', [{ epoch: 7 }]);
    await run.writeMetrics('net', [{ epoch: 1 }, { epoch: 2 }]);
    await run.writeCheckpoint('net', 'best', Uint8Array.of(1, 2, 3));
    await run.writeResult({ best: 'net', results: [{ model: 'net' }] });

    const opened = await RunDirectory.open(path);
    expect(opened.config).toMatchObject({ ...config, options: { epochs: 3 } });
    expect(await opened.run.readSplit()).toStrictEqual({ train: ['a/1'], validation: [], test: ['b/1'] });
    expect([...(await opened.run.readCheckpoint('net', 'best'))!]).toStrictEqual([1, 2, 3]);
    expect(await readFile(join(path, 'metrics.jsonl'), 'utf8')).toBe(
      '{"epoch":1}\n{"epoch":2}\n{"epoch":7}\n',
    );
    expect((await readdir(path)).sort()).toStrictEqual([
      'checkpoints',
      'config.json',
      'metrics.jsonl',
      'result.json',
      'split.json',
    ]);
    expect(await readdir(join(path, 'checkpoints'))).toStrictEqual(['net-best.safetensors']);
  });

  it('has no result when it goes on', async () => {
    const run = await RunDirectory.create(join(folder, 'run'), config);
    expect(await run.readResult()).toBeUndefined();
    const result = { best: 'net', results: [{ model: 'net' }], remarks: ['a remark'] };
    await run.writeResult(result);
    expect(await run.readResult()).toStrictEqual(result);
    await run.removeLeftovers();
    expect(await run.readResult()).toBeUndefined();
  });

  it('refuses a folder that already holds a run', async () => {
    await RunDirectory.create(folder, config);
    await expect(RunDirectory.create(folder, config)).rejects.toThrow(
      /--out: .* already holds a run.*--resume/,
    );
  });

  it('says in one line what is wrong with a folder that is no run', async () => {
    await expect(RunDirectory.open(folder)).rejects.toThrow(
      /expected a run directory, found no config.json in it$/,
    );
    await writeFile(join(folder, 'config.json'), '{"pipeline":');
    await expect(RunDirectory.open(folder)).rejects.toThrow(/config\.json: expected JSON, found [^\n]*$/);
    await writeFile(join(folder, 'config.json'), '{"pipeline":3}');
    await expect(RunDirectory.open(folder)).rejects.toThrow(
      /config\.json: expected string at pipeline, found 3$/,
    );
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(RunDirectory.create(join(file, 'run'), config)).rejects.toThrow(
      /run directory cannot be made/,
    );
    await mkdir(join(folder, 'empty'));
    await expect(RunDirectory.create(join(folder, 'empty'), config)).resolves.toBeInstanceOf(RunDirectory);
  });
});

describe('defaultRunPath', () => {
  it('names pipeline and time', () => {
    expect(defaultRunPath('nmnist-train', new Date('2026-03-04T05:06:07.890Z'))).toBe(
      join('runs', 'nmnist-train-20260304-050607'),
    );
  });
});
