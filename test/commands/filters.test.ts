import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.ts';
import { filters } from '../../src/operators/index.ts';
import { jsonLines, runProgram } from './run-program.ts';

describe('pipeline filters', () => {
  it('lists every filter in a line', async () => {
    const { out } = await runProgram(['filters']);
    for (const { name, summary } of filters.filterDefinitions) {
      expect(out).toMatch(new RegExp(`^ {2}${name} +${summary.slice(0, 20)}`, 'm'));
    }
  });

  it('shows the options of one', async () => {
    const { out } = await runProgram(['filters', 'denoise']);
    expect(out).toMatch(/^denoise: remove background activity/);
    expect(out).toMatch(/^ {2}micros=N +how long before \(a number of at least 0; us; default 10000\)$/m);
    expect(out).toMatch(/^ {2}neighbours=N +.*\(4 or 8; default 8\)$/m);
    expect(out).toContain('for example: --filter denoise:micros=5000');
    expect((await runProgram(['filters', 'crop'])).out).toMatch(/^ {2}width=N .*; pixels; must be given\)$/m);
  });

  it('prints a JSON line for each', async () => {
    const { out } = await runProgram(['filters', '--json']);
    const lines = jsonLines(out);
    expect(lines.map(({ name }) => name)).toStrictEqual(filters.filterDefinitions.map(({ name }) => name));
    expect(lines[0]).toMatchObject({
      type: 'filter',
      needsSensor: true,
      example: 'crop:x=10,y=10,width=64,height=64',
    });
  });

  it('says in one line which filters are like an unknown one', async () => {
    expect((await runProgram(['filters', 'rotat'])).error).toStrictEqual(
      new OptionError('filter "rotat": no such filter; did you mean rotate?'),
    );
  });
});
