import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli.ts';
import { RxspikeError } from '../../src/errors.ts';
import { temporaryFolders } from '../streams/temporary-folder.ts';
import { jsonLines, runProgram } from './run-program.ts';

const makeFolder = temporaryFolders();
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/recordings/${name}`, import.meta.url));
const dvs128 = fixture('dvs128.aedat');

/** Runs replay with a terminal of some size, at which somebody types. */
async function onTerminal(
  args: readonly string[],
  {
    type = () => undefined,
    answer,
  }: { type?: (key: (text: string) => void, shown: string) => void; answer?: string } = {},
): Promise<string> {
  let shown = '';
  const listeners = new Set<(key: string) => void>();
  const press = (key: string): void => {
    for (const listener of [...listeners]) listener(key);
  };
  const program = createProgram({
    out: {
      isTTY: true,
      columns: 60,
      rows: 20,
      write: (text) => {
        shown += text;
        if (text === '\u001b[c' && answer !== undefined) queueMicrotask(() => press(answer));
        type(press, shown);
      },
    },
    err: { write: () => undefined },
    signal: new AbortController().signal,
    requestExit: () => undefined,
    listenToKeys: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  await program.parseAsync(['replay', ...args], { from: 'user' });
  expect(listeners.size).toBe(0);
  return shown;
}

describe('pipeline replay on a terminal', () => {
  it('draws pictures of half blocks within its size, and leaves the terminal as it was', async () => {
    const shown = await onTerminal([dvs128, '--speed', 'max', '--picture', 'blocks']);
    expect(shown).toContain('\u001b[?1049h\u001b[?25l');
    expect(shown).toContain('\u001b[?25h\u001b[?1049l');
    expect(shown).toContain('▀');
    const lines = shown.split('\u001b[H')[1]!.split('\r\n');
    expect(lines.length).toBeLessThanOrEqual(20);
    expect(lines.at(-1)).toMatch(/^dvs128\.aedat {2}\d\.\d\d s {2}\S+ million events\/s {2}full speed/);
    expect(shown).toMatch(/dvs128\.aedat: 1500 events in \d+ pictures, \d+ of them drawn, [\d.]+ s\n$/);
  });

  it('shows sixels where the terminal says that it can', async () => {
    const able = await onTerminal([dvs128, '--speed', 'max'], { answer: '\u001b[?62;4;22c' });
    expect(able).toContain('\u001bP0;1q"1;1;');
    const unable = await onTerminal([dvs128, '--speed', 'max'], { answer: '\u001b[?64;22c' });
    expect(unable).toContain('▀');
    expect(unable).not.toContain('\u001bP');
  });

  it('pauses at space, ends at q, and goes on again and again with --loop', async () => {
    let pictures = 0;
    const looped = await onTerminal([dvs128, '--loop', '--speed', '2', '--picture', 'blocks', '--json'], {
      type: (press, shown) => {
        if (shown.split('\u001b[?1049h').length > 3) press('q');
      },
    });
    expect(jsonLines(looped.slice(looped.lastIndexOf('{')))).toMatchObject([{ type: 'view', path: dvs128 }]);
    await onTerminal([dvs128, '--speed', '0.01', '--picture', 'blocks'], {
      type: (press) => {
        pictures++;
        if (pictures === 3) {
          press(' ');
          setTimeout(() => press(' '), 40);
        }
        if (pictures === 6) press('\u0003');
      },
    });
    expect(pictures).toBeGreaterThanOrEqual(6);
  });

  it('takes time ranges and filters', async () => {
    const shown = await onTerminal([
      fixture('nmnist.bin'),
      '--speed',
      'max',
      '--picture',
      'blocks',
      '--filter',
      'crop:x=0,y=0,width=10,height=10',
    ]);
    expect(shown).toMatch(/nmnist\.bin: \d+ events/);
  });
});

describe('pipeline replay into a file', () => {
  const path = process.env['PATH'];
  afterEach(() => {
    process.env['PATH'] = path;
  });

  async function film(
    name: string,
    ...options: string[]
  ): Promise<{ file: string; line: Record<string, unknown> }> {
    const file = join(makeFolder(), name);
    const { out, error } = await runProgram(['replay', dvs128, '--out', file, '--json', ...options]);
    expect(error).toBeUndefined();
    return { file, line: jsonLines(out)[0]! };
  }

  it('writes an animated GIF of the sensor in whole factors, as long as the recording', async () => {
    const { file, line } = await film('film.gif', '--speed', '0.1', '--loop');
    const { width, pageHeight, pages, delay, loop } = await sharp(file, { animated: true }).metadata();
    expect([width, pageHeight, pages, loop]).toEqual([512, 512, line['pictures'], 0]);
    expect(new Set(delay)).toEqual(new Set([40]));
    expect(line).toMatchObject({ type: 'film', out: file, fps: 25 });
  });

  it('writes a sheet of pictures, or numbered ones', async () => {
    const sheet = await film('film.png', '--speed', '0.01');
    const { width, height } = await sharp(sheet.file).metadata();
    expect([width, height! % 513]).toEqual([6 * 513 - 1, 512]);
    const { file, line } = await film('shot-%03d.png', '--speed', '0.1');
    const names = readdirSync(join(file, '..')).sort();
    expect(names).toHaveLength(line['pictures'] as number);
    expect(names[0]).toBe('shot-001.png');
  });

  it('hands MP4 to ffmpeg, and says so where there is none or it fails', async () => {
    const bin = makeFolder({
      ffmpeg: '#!/bin/sh\nfor last; do :; done\necho "$@" > "$FAKE_LOG"\ncat > "$last"\n',
    });
    chmodSync(join(bin, 'ffmpeg'), 0o755);
    process.env['PATH'] = `${bin}:${path}`;
    process.env['FAKE_LOG'] = join(bin, 'log');
    const { file, line } = await film('film.mp4', '--speed', '0.1');
    expect(readFileSync(file)).toHaveLength((line['pictures'] as number) * 3 * 512 * 512);
    expect(readFileSync(join(bin, 'log'), 'utf8')).toMatch(/rgb24 -s 512x512 -r 25 -i - .*tmp\.mp4$/m);
    const failing = makeFolder({ ffmpeg: '#!/bin/sh\ncat > /dev/null\necho no encoder >&2\nexit 3\n' });
    chmodSync(join(failing, 'ffmpeg'), 0o755);
    process.env['PATH'] = `${failing}:${path}`;
    const target = join(makeFolder(), 'film.mp4');
    const failed = await runProgram(['replay', dvs128, '--out', target]);
    expect(failed.error?.message).toMatch(/film\.mp4: ffmpeg failed: no encoder$/);
    mkdirSync(join(failing, 'empty'));
    process.env['PATH'] = join(failing, 'empty');
    const absent = await runProgram(['replay', dvs128, '--out', target]);
    expect(absent.error?.message).toMatch(/MP4 needs ffmpeg, which cannot be started/);
    expect(existsSync(target)).toBe(false);
  });
});

const ffmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
describe.skipIf(!ffmpeg)(`pipeline replay as MP4${ffmpeg ? '' : ' (skipped: no ffmpeg)'}`, () => {
  it('makes films that ffmpeg reads back, picture by picture, also of sensors of an odd size', async () => {
    const folder = makeFolder();
    const pixels = { 'width=100,height=120': [400, 480], 'width=101,height=97': [506, 486] } as const;
    for (const [crop, [width, height]] of Object.entries(pixels)) {
      const options = [dvs128, '--filter', `crop:x=0,y=0,${crop}`, '--speed', '0.3', '--out'];
      for (const out of ['film.mp4', 'shot-%03d.png']) {
        const { error } = await runProgram(['replay', ...options, join(folder, out)]);
        expect(error).toBeUndefined();
      }
      const reading = ['-loglevel', 'error', '-i', join(folder, 'film.mp4')];
      const { stdout } = spawnSync('ffmpeg', [...reading, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], {
        maxBuffer: 2 ** 28,
      });
      const bytes = 3 * width * height;
      const shots = readdirSync(folder).filter((name) => name.startsWith('shot'));
      expect(stdout.length).toBe(shots.length * bytes);
      for (const [number, shot] of shots.sort().entries()) {
        const image = sharp(join(folder, shot)).removeAlpha();
        const { width: right, height: bottom } = await image.metadata();
        const expected = await image
          .extend({ right: width - right, bottom: height - bottom, background: 'black' })
          .raw()
          .toBuffer();
        const shown = stdout.subarray(number * bytes, (number + 1) * bytes);
        const off = expected.reduce((sum, value, i) => sum + Math.abs(value - shown[i]!), 0) / bytes;
        expect(off).toBeLessThan(3);
      }
    }
  });
});

describe('pipeline replay of what cannot be shown', () => {
  it.each([
    [['--out', 'film.avi'], /--out: expected a name that ends in \.gif, \.png, \.mp4, found film\.avi/],
    [[], /expected a terminal to show it on, --out FILE/],
    [['--out', 'a.gif', '--fps', '0'], /--fps: expected a number from 0\.1/],
    [['--out', 'a.gif', '--speed', 'fast'], /--speed: expected max or a number above 0/],
    [['--out', 'a.gif', '--to', '5'], /a\.gif: expected events to show, found none/],
    [['--model', 'none', '--out', 'a.gif'], /--out: shows a recording, which --model does not/],
    [['--out', 'a.gif', '--filter', 'crob'], /no such filter/],
  ])('%j', async (options, message) => {
    const { error } = await runProgram(['replay', dvs128, ...options]);
    expect(error).toBeInstanceOf(RxspikeError);
    expect(error?.message).toMatch(message);
    expect(existsSync('a.gif')).toBe(false);
  });
});
