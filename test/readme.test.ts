import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { formats } from '../src/streams/formats/index.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

it.skipIf(!existsSync(`${root}dist/src/index.js`))(
  "runs the README's library example as it stands there",
  () => {
    const [, example] = /```ts\n(.*?)```/s.exec(readFileSync(`${root}README.md`, 'utf8'))!;
    const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
    const file = `${root}readme-example-${process.pid}.mjs`;
    writeFileSync(file, ts.transpileModule(example!, { compilerOptions: options }).outputText);
    try {
      const { stdout, stderr } = spawnSync(process.execPath, [file], { cwd: root, encoding: 'utf8' });
      expect(stderr).toBe('');
      expect(stdout).toMatch(/^(\d+ us: \d+ events\n)+$/);
    } finally {
      rmSync(file);
    }
  },
);

it('has one table of formats, which names them all and what they write', () => {
  const tableOf = (file: string): string =>
    /<!-- formats:start -->.*<!-- formats:end -->/s.exec(readFileSync(`${root}${file}`, 'utf8'))![0];
  const table = tableOf('README.md');
  expect(tableOf('docs/formats.md')).toBe(table);
  for (const { name, createEncoder } of formats) {
    const row = table.split('\n').find((line) => line.split('|')[2]?.includes(`\`${name}\``));
    expect(row, name).toBeDefined();
    expect(row!.split('|')[4]!.trim() !== '-', name).toBe(createEncoder !== undefined);
  }
});
