import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { formats } from '../../../src/streams/formats/index.ts';
import { isIndexed } from '../../../src/streams/recording-passes.ts';
import { examine } from './examine.ts';
import { type FuzzInput, fuzzInputs } from './inputs.ts';
import { Draws, mutated } from './mutate.ts';

/**
 * Damaged files of every format. More of them, from another start, with what fails kept in the corpus beside this file:
 *
 *     RXSPIKE_FUZZ=100000 RXSPIKE_FUZZ_START=0 npx vitest run test/streams/fuzz
 */
const { RXSPIKE_FUZZ = '400', RXSPIKE_FUZZ_START = '0' } = process.env;
const [cases, start] = [Number(RXSPIKE_FUZZ), Number(RXSPIKE_FUZZ_START)];
const usual = process.env['RXSPIKE_FUZZ'] === undefined;
const corpus = fileURLToPath(new URL('./corpus/', import.meta.url));
const found = existsSync(corpus) ? readdirSync(corpus).sort() : [];

let inputs: FuzzInput[];

beforeAll(async () => {
  inputs = await fuzzInputs();
});

it(
  `${cases} damaged files give events or a fault, the same by all implementations`,
  async () => {
    const failures: string[] = [];
    let slowest = { millis: 0, name: '' };
    for (let number = start; number < start + cases; number++) {
      const draw = new Draws(number, 'fuzz');
      const input = draw.of(inputs);
      const { bytes, damage } = mutated(input, draw, inputs);
      const name = `case ${number}, ${input.name}: ${damage}`;
      const begun = performance.now();
      try {
        await examine(input.format, Buffer.from(bytes), draw);
      } catch (error) {
        failures.push(`${name}: ${error}`);
        if (!usual) writeFileSync(join(corpus, `${input.format.name}-${number}.bin`), bytes);
      }
      const millis = performance.now() - begun;
      if (millis > slowest.millis) slowest = { millis, name };
      if (!usual && (number + 1) % 1000 === 0) {
        process.stderr.write(
          `${number + 1}: ${failures.length} failures, slowest ${Math.round(slowest.millis)} ms: ${slowest.name}\n`,
        );
      }
    }
    expect(failures).toEqual([]);
  },
  usual ? undefined : 0,
);

describe('files that once failed', () => {
  it.each(found)('%s', async (name) => {
    const format = formats.find((candidate) => name.startsWith(`${candidate.name}-`))!;
    const bytes = readFileSync(join(corpus, name));
    for (let number = 0; number < (isIndexed(format) ? 1 : 12); number++) {
      await examine(format, Buffer.from(bytes), new Draws(number, 'corpus'));
    }
  });

  it.skipIf(found.length > 0)('there are none', () => undefined);
});
