import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError, OptionError } from '../../src/errors.ts';
import { temporaryFolders } from '../streams/temporary-folder.ts';
import { jsonLines, runProgram } from './run-program.ts';

const folderOf = temporaryFolders();
const file = 'fixtures/recordings/davis346-lz4.aedat4';

describe('pipeline stats', () => {
  it('gives rate, pixels and intervals as a JSON line', async () => {
    const [line] = jsonLines((await runProgram(['stats', file, '--json'])).out);
    const [info] = jsonLines((await runProgram(['info', file, '--json'])).out);
    expect(line).toMatchObject({
      type: 'statistics',
      path: file,
      format: 'aedat4',
      events: info!['events'],
      on: info!['on'],
      off: info!['off'],
      firstMicros: info!['firstMicros'],
      durationMicros: info!['durationMicros'],
      outside: 0,
    });
    const busiest = line!['busiest'] as { events: number }[];
    expect(busiest).toHaveLength(20);
    expect(busiest.map(({ events }) => events)).toEqual(
      busiest.map(({ events }) => events).sort((a, b) => b - a),
    );
  });

  it('shows them as text, and what a filter leaves of them', async () => {
    const { out, error } = await runProgram(['stats', file]);
    expect(error).toBeUndefined();
    for (const words of ['sensor    346 x 260', 'events a second', 'intervals,'])
      expect(out).toContain(words);
    const filtered = await runProgram(['stats', file, '--json', '--filter', 'select-polarity:polarity=on']);
    expect(jsonLines(filtered.out)[0]).toMatchObject({ off: 0 });
  });

  it('draws them', async () => {
    const folder = folderOf();
    const [svg, png] = [join(folder, 'a.svg'), join(folder, 'a.png')];
    expect((await runProgram(['stats', file, '--out', svg])).err).toBe(`wrote ${svg}\n`);
    const drawn = readFileSync(svg, 'utf8');
    for (const words of ['Event rate', 'Events of each pixel', 'Intervals', 'data:image/png']) {
      expect(drawn).toContain(words);
    }
    expect(drawn).not.toMatch(/NaN|Infinity/);
    await runProgram(['stats', file, '--out', png]);
    expect([...readFileSync(png).subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
    expect((await runProgram(['stats', file, '--out', '-'])).out).toBe(`${drawn}\n`);
  });

  it('measures the sensor that a file does not tell', async () => {
    const [line] = jsonLines((await runProgram(['stats', 'fixtures/recordings/nmnist.bin', '--json'])).out);
    expect(line).toMatchObject({ outside: 0, sensor: { width: expect.any(Number) } });
  });

  it('says in one line what is wrong', async () => {
    const fault = async (...args: string[]) => (await runProgram(['stats', ...args])).error;
    expect(await fault('absent.raw')).toBeInstanceOf(InputError);
    expect(await fault(file, '--out', 'a.gif')).toBeInstanceOf(OptionError);
    expect(await fault(file, '--out', '-', '--json')).toBeInstanceOf(OptionError);
    expect(await fault(file, '--filter', 'nothing')).toBeInstanceOf(OptionError);
  });
});
