import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isPipelineFile } from '../../pipelines/index.ts';
import { jsonLines } from './run-program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = `${root}dist/src/bin.js`;

/** The documented pipeline, as it stands in a file. */
function documented(file: string): string {
  return /<!-- own-pipeline:start -->\n```ts\n(.*?)```/s.exec(readFileSync(`${root}${file}`, 'utf8'))![1]!;
}

it.each(['./mine', 'a/b', 'C:\\mine', 'mine.ts', 'mine.mjs', '../mine.js'])('takes %s for a file', (name) => {
  expect(isPipelineFile(name)).toBe(true);
});

it('takes a name for a name', () => {
  for (const name of ['nmnist-train', 'live', 'x.tsv', 'js']) expect(isPipelineFile(name)).toBe(false);
});

it('is documented in ten lines, the same in the README and in its page', () => {
  expect(documented('README.md')).toBe(documented('docs/pipelines.md'));
  expect(documented('README.md').trim().split('\n').length).toBeLessThanOrEqual(10);
});

// The loader's hooks are Node's, so the real command runs, on files outside the package.
const describeBuilt = existsSync(bin) ? describe : describe.skip;
describeBuilt('pipeline run FILE (skipped where dist is absent: npm run build)', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rxspike own pipeline-'));
    await writeFile(join(folder, 'rate.ts'), documented('docs/pipelines.md'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const run = (...args: string[]): { stdout: string; stderr: string; status: number | null } =>
    spawnSync(process.execPath, [bin, 'run', ...args], { cwd: root, encoding: 'utf8' });

  it('runs the documented TypeScript as it stands there', () => {
    const { stdout, stderr, status } = run(join(folder, 'rate.ts'), '--window', '20');
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    expect(stdout).toMatch(/^(\d+ us: \d+ events\n)+$/);
  });

  it('prints what it emits with --json, by its default', () => {
    const windows = jsonLines(run(join(folder, 'rate.ts'), '--json').stdout);
    expect(windows.length).toBeGreaterThan(1);
    expect(Number(windows[1]!['startMicros']) - Number(windows[0]!['startMicros'])).toBe(10_000);
    expect(windows[0]).toEqual({
      type: 'window',
      startMicros: expect.any(Number),
      events: expect.any(Number),
    });
  });

  it('has the help of its definition', () => {
    const path = join(folder, 'rate.ts');
    const { stdout, status } = run(path, '--help');
    expect(status).toBe(0);
    expect(stdout).toContain(`Usage: pipeline run ${path} [options]`);
    expect(stdout).toMatch(/^ {2}--window <N> +length of a window \(in ms; default 10\)$/m);
    expect(stdout).toContain('Examples:\n  pipeline run ./rate.ts --window 20');
    const help = spawnSync(process.execPath, [bin, 'help', 'run', path], { encoding: 'utf8' });
    expect(help.stdout).toBe(stdout);
  });

  it("runs JavaScript that imports its neighbours, the library's packages and TypeScript", async () => {
    await write('twice.ts', 'export const twice = (n: number): number => 2 * n;\n');
    const path = await write(
      'mine.js',
      `import { lastValueFrom, of, toArray } from 'rxjs';
       import { basename } from 'node:path';
       import { definePipeline } from 'rxspike';
       import { twice } from './twice.ts';
       const words = { name: 'mine', summary: 's', description: 'd', examples: [], options: {} };
       export default definePipeline({ ...words, async run(_, { print }) {
         print(basename('a/b') + JSON.stringify(await lastValueFrom(of(1, twice(1)).pipe(toArray()))));
       } });`,
    );
    expect(run(path)).toMatchObject({ stdout: 'b[1,2]\n', stderr: '', status: 0 });
  });

  it.each([
    ['missing.ts', undefined, 'there is no such file'],
    ['folder', undefined, 'the file of a pipeline ends in .ts, .mts, .js or .mjs'],
    [
      'object.js',
      'export default { name: "x" };',
      'the default export must be a pipeline made by definePipeline',
    ],
    ['nothing.mjs', 'export const a = 1;', 'made by definePipeline, found nothing'],
    ['unfinished.js', 'export const a = 1;\nexport default (\n', 'does not load: Unexpected end of input'],
    ['unfinished.ts', 'const a: number = 1;\nexport default {{{\n', 'does not load: '],
    [
      'package.js',
      "import x from 'no-such-package';",
      "does not load: Cannot find package 'no-such-package'",
    ],
    ['name.js', "import { nope } from 'rxspike';", "'rxspike' does not provide an export named 'nope'"],
  ])('refuses %s in one line', async (name, text, message) => {
    const path = text === undefined ? join(folder, name) : await write(name, text);
    const { stdout, stderr, status } = run(path);
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 });
    expect(stderr.split('\n')).toEqual([expect.stringContaining(`pipeline: ${path}: `), '']);
    expect(stderr).toContain(message);
  });

  it('validates its options, and passes what its own code throws with the line of its source', async () => {
    const refused = run(join(folder, 'rate.ts'), '--window', '0');
    expect(refused.stderr).toBe('pipeline: --window: expected a whole number of at least 1, found "0"\n');
    const path = await write('throws.ts', "interface A {\n  a: 1;\n}\n\nthrow new Error('of its own');\n");
    const { stderr, status } = run(path);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^Error: of its own\n.*throws\.ts:5:7\)$/m);
    const parses = run(await write('parses.js', "JSON.parse('{');")).stderr;
    expect(parses).toMatch(/^SyntaxError: (.|\n)*parses\.js:1:6/m);
  });
});
