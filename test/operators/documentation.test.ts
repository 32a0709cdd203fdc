import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { filters } from '../../src/operators/index.ts';

const text = readFileSync(new URL('../../docs/operators.md', import.meta.url), 'utf8');

it.each(filters.filterDefinitions)(
  'docs/operators.md has $name with its options',
  ({ name, options, required }) => {
    const row = text.split('\n').find((line) => line.startsWith(`| \`${name}\` |`));
    const [, , given] = row!.split('|');
    const marks = Object.keys(options).map((key) => (required.includes(key) ? `\`${key}\`` : `*\`${key}\`*`));
    expect(given!.trim().split(' ').filter(Boolean)).toStrictEqual(marks);
  },
);
