import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { surrogatePresets } from '../../src/models/surrogates.ts';
import { jsonLines, runProgram } from './run-program.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rxspike-surrogates-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('pipeline surrogates', () => {
  it('draws every preset as text', async () => {
    const { out, err, code } = await runProgram(['surrogates']);
    expect([err, code]).toStrictEqual(['', 0]);
    const blocks = out.trimEnd().split('\n\n');
    expect(blocks.map((block) => block.split(':')[0])).toStrictEqual(Object.keys(surrogatePresets));
    for (const block of blocks) expect(block.split('\n').length).toBe(7);
  });

  it('gives the curves as JSON lines', async () => {
    const { out } = await runProgram(['surrogates', 'triangle', 'atan', '--range', '1', '--json']);
    const [triangle, atan] = jsonLines(out);
    expect(triangle).toMatchObject({
      type: 'surrogate',
      name: 'triangle',
      kind: 'triangle',
      amplitude: 1,
      peak: 1,
    });
    expect(atan!['name']).toBe('atan');
    const [x, derivative] = [triangle!['x'] as number[], triangle!['derivative'] as number[]];
    expect([x[0], x[200], x[400]]).toStrictEqual([-1, 0, 1]);
    expect([derivative[0], derivative[100], derivative[200]]).toStrictEqual([0, 0.5, 1]);
  });

  it('draws to a file', async () => {
    const [svg, png] = [join(folder, 'all.svg'), join(folder, 'one.png')];
    expect((await runProgram(['surrogates', '--out', svg])).err).toBe(`wrote ${svg}\n`);
    const drawn = await readFile(svg, 'utf8');
    for (const name of Object.keys(surrogatePresets)) expect(drawn).toContain(`>${name}<`);
    expect(drawn).not.toMatch(/NaN|Infinity/);
    expect((await runProgram(['surrogates', 'atan', '--out', png, '--theme', 'dark'])).out).toBe('');
    expect([...(await readFile(png)).subarray(1, 4)]).toStrictEqual([...Buffer.from('PNG')]);
  });

  it('says in one line what is wrong', async () => {
    const message = async (...args: string[]) => (await runProgram(['surrogates', ...args])).error!.message;
    expect(await message('nope')).toMatch(/^no surrogate named "nope"; there are atan, /);
    expect(await message('--out', 'x.pdf')).toBe(
      '--out: expected a file that ends in .svg or .png, found "x.pdf"',
    );
    for (const range of ['0', 'wide', '', '-1']) {
      expect(await message('--range', range)).toMatch(/^--range: expected a number above 0/);
    }
  });
});
