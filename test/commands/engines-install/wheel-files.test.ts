import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { extractWheel } from '../../../src/commands/engines-install/wheel-files.ts';
import { FormatError } from '../../../src/errors.ts';
import { makeZip } from '../../streams/archives/make-archive.ts';
import { temporaryFolders } from '../../streams/temporary-folder.ts';

const makeFolder = temporaryFolders();
const { signal } = new AbortController();
const members = [
  { name: 'pkg/lib.so.2', content: 'library'.repeat(1000), deflate: true },
  { name: 'pkg/other.py', content: 'left' },
  { name: 'pkg.dist-info/METADATA', content: 'Name: pkg' },
];
const placeOf = (member: string): string | undefined =>
  member.endsWith('.py') ? undefined : join('deps', member.split('/').at(-1)!);

it('takes what is wanted to where it is wanted', async () => {
  const folder = makeFolder({ 'a.whl': makeZip(members) });
  const places = await extractWheel(join(folder, 'a.whl'), folder, placeOf, signal);
  expect(places).toStrictEqual([join('deps', 'lib.so.2'), join('deps', 'METADATA')]);
  expect(readFileSync(join(folder, 'deps', 'lib.so.2'), 'utf8')).toBe('library'.repeat(1000));
});

it('names a wheel that is cut, or none', async () => {
  const whole = makeZip(members);
  const folder = makeFolder();
  for (const bytes of [0, 10, whole.length - 30, whole.length - 1]) {
    const path = join(folder, `${bytes}.whl`);
    writeFileSync(path, whole.subarray(0, bytes));
    await expect(extractWheel(path, folder, placeOf, signal)).rejects.toThrow(FormatError);
  }
  await expect(extractWheel(join(folder, 'none.whl'), folder, placeOf, signal)).rejects.toThrow(
    'none.whl: expected a wheel',
  );
});

it('refuses a member that is longer than it says, and names that leave the folder', async () => {
  const lies = makeZip([{ ...members[0]!, saidBytes: 5 }]);
  const leaves = makeZip([{ name: '../lib.so.2', content: 'x' }]);
  const folder = makeFolder({ 'lies.whl': lies, 'leaves.whl': leaves });
  for (const name of ['lies.whl', 'leaves.whl']) {
    await expect(extractWheel(join(folder, name), folder, placeOf, signal)).rejects.toThrow(FormatError);
  }
});
