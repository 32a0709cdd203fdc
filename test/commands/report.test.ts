import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NetworkMeasures } from '../../pipelines/training/network-measures.ts';
import { RunDirectory } from '../../pipelines/training/run-directory.ts';
import { networkReport } from '../reports/report-cases.ts';
import { jsonLines, runProgram } from './run-program.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxspike-report-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A run directory with these epochs of each network. */
async function writeRun(name: string, networks: Record<string, number>, simulated = false): Promise<string> {
  const run = await RunDirectory.create(join(folder, name), {
    pipeline: 'nmnist-train',
    versions: { rxspike: '0.1.0', node: 'v20' },
    options: { preset: 'notebook', seed: 42 },
    engine: { name: 'wasm', threads: 2 },
    data: 'N-MNIST',
    simulated,
    classNames: ['0', '1', '2'],
    networks: Object.keys(networks),
    startedAt: '2026-03-04T05:06:07.890Z',
  });
  for (const [model, count] of Object.entries(networks)) {
    const { epochs, measures } = networkReport(model, count);
    const lines = epochs.map((epoch) => ({
      type: 'epoch',
      model,
      learningRate: 1e-3,
      samplesPerSecond: 10,
      ...epoch,
    }));
    await run.writeMetrics(model, lines);
    if (measures !== undefined) await run.writeMeasures({ model, ...measures } as NetworkMeasures);
  }
  return run.path;
}

describe('pipeline report', () => {
  it('writes the report of a run into it, and prints its table', async () => {
    const run = await writeRun('one', { net: 3 });
    const { code, out, err } = await runProgram(['report', run]);
    expect(code).toBe(0);
    expect(out.split('\n')[1]).toMatch(/^net +45\.00 % +test +3 of 3 +8\.00 % +1,234,567/);
    expect(err).toBe(
      `wrote ${['html', 'svg', 'png'].map((kind) => join(run, `report.${kind}`)).join(', ')}\n`,
    );
    expect(await readFile(join(run, 'report.html'), 'utf8')).toContain('nmnist-train: one');
    expect([...(await readFile(join(run, 'report.png'))).subarray(1, 4)]).toStrictEqual([
      ...Buffer.from('PNG'),
    ]);
    expect(await readFile(join(run, 'report.svg'), 'utf8')).toMatch(/^<svg xmlns/);
  });

  it('compares runs: a label each, one table, in a folder of their own', async () => {
    const [first, second] = [await writeRun('first', { net: 2 }), await writeRun('second', { net: 5 }, true)];
    const both = await writeRun('both', { snn: 2, ann: 0 });
    const folderOf = join(folder, 'compared', 'all');
    const { out, error } = await runProgram(['report', first, second, both, '--out', folderOf]);
    expect(error).toBeUndefined();
    const rows = out.split('\n').slice(1, 5);
    expect(rows.map((row) => row.slice(0, 10).trim())).toStrictEqual([
      'first net',
      'second net',
      'both snn',
      'both ann',
    ]);
    expect(out).toContain('second is simulated: no sensor saw these events');
    expect((await readdir(folderOf)).sort()).toStrictEqual(['report.html', 'report.png', 'report.svg']);
    expect(await readFile(join(folderOf, 'report.html'), 'utf8')).toContain('3 runs of nmnist-train');
  });

  it('gives JSON lines', async () => {
    const run = await writeRun('json', { net: 2 });
    const { out } = await runProgram(['report', run, '--json', '--theme', 'dark']);
    const [network, report] = jsonLines(out);
    expect(network).toMatchObject({
      type: 'network',
      label: 'net',
      epochs: 2,
      accuracy: 0.45,
      work: { effectiveMacs: 1000 },
    });
    expect(network).not.toHaveProperty('raster');
    expect(report).toStrictEqual({
      type: 'report',
      files: ['html', 'svg', 'png'].map((kind) => join(run, `report.${kind}`)),
    });
  });

  it('reports a run that has not finished an epoch', async () => {
    const run = await writeRun('begun', { net: 0 });
    const { out, code } = await runProgram(['report', run]);
    expect(code).toBe(0);
    expect(out.split('\n')[1]).toMatch(/^net +–/);
  });

  it('says in one line what is wrong with a run', async () => {
    const { error } = await runProgram(['report', join(folder, 'nowhere')]);
    expect(`${error!.name}: ${error!.message}`).toMatch(
      /^InputError: .*nowhere: expected a run directory, found no config.json in it$/,
    );
    const run = await writeRun('broken', { net: 2 });
    await writeFile(join(run, 'measures', 'net.json'), '{"model":"net"}');
    expect((await runProgram(['report', run])).error!.message).toMatch(
      /measures.net\.json: expected .* at epoch/,
    );
    await writeFile(join(run, 'metrics.jsonl'), '{"type":"epoch"}\nnot json\n');
    expect((await runProgram(['report', run])).error!.message).toMatch(
      /metrics\.jsonl:1: expected .* at model/,
    );
  });
});
