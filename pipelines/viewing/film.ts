import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rename, rm } from 'node:fs/promises';
import { extname } from 'node:path';
import { InputError, OptionError } from '../../src/errors.ts';
import type { Frame, SensorSize } from '../../src/events.ts';
import {
  backgroundIndex,
  EventPicture,
  eventColours,
  type IndexedPicture,
  magnified,
  toRgb,
} from '../../src/reports/view/event-picture.ts';
import { gifEnd, gifHeader, gifPicture } from '../../src/reports/view/gif.ts';
import { openAtomicFile, writeFileAtomic } from '../../src/streams/atomic-file.ts';
import { gainFor } from './frames-of.ts';

export interface FilmOptions {
  readonly sensor: SensorSize;
  readonly size: SensorSize;
  /** Pixels of the film for one of the picture, along each side. */
  readonly factor: number;
  /** Pictures a second. */
  readonly fps: number;
  /** Plays again and again, where the format can say so. */
  readonly loop: boolean;
  /** Called with the number of pictures so far. */
  readonly onProgress?: (pictures: number) => void;
}

/** Takes the pictures of a film, one after the other. */
interface FilmWriter {
  add(picture: IndexedPicture): Promise<void>;
  end(): Promise<void>;
  /** Removes what was written. */
  abort(): Promise<void>;
}

/** Pictures of a contact sheet, in rows of `SHEET_COLUMNS`. */
const SHEET_PICTURES = 24;
const SHEET_COLUMNS = 6;
/** Colour of the lines between them, a faint one. */
const GAP = backgroundIndex + 3;

/** The kinds of film, by the ending of the file's name. */
export const filmEndings = ['.gif', '.png', '.mp4'] as const;

/** Writes frames as a film: animated GIF, MP4 through ffmpeg, a contact sheet or numbered pictures as PNG. Gives their number. */
export async function writeFilm(
  frames: AsyncIterable<Frame>,
  path: string,
  options: FilmOptions,
): Promise<number> {
  const { size, sensor, factor, onProgress } = options;
  const picture = new EventPicture(size.width, size.height, { gain: gainFor(sensor, size) });
  const writer = await openFilm(path, options);
  let pictures = 0;
  try {
    for await (const frame of frames) {
      picture.update(frame.data);
      await writer.add(magnified(picture, factor));
      onProgress?.(++pictures);
    }
    if (pictures === 0) throw new InputError('expected events to show, found none', path);
    await writer.end();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return pictures;
}

function openFilm(path: string, options: FilmOptions): Promise<FilmWriter> {
  switch (extname(path).toLowerCase()) {
    case '.gif':
      return openGif(path, options);
    case '.mp4':
      return openMp4(path, options);
    case '.png':
      return Promise.resolve(/%\d*d/.test(path) ? numberedPictures(path) : contactSheet(path));
    default:
      throw new OptionError(`--out: expected a name that ends in ${filmEndings.join(', ')}, found ${path}`);
  }
}

async function openGif(path: string, { size, factor, fps, loop }: FilmOptions): Promise<FilmWriter> {
  const file = await openAtomicFile(path);
  const [width, height] = [size.width * factor, size.height * factor];
  await file.write(gifHeader({ width, height, colours: eventColours, loop }));
  let shown = 0;
  return {
    add: (picture) => {
      // Times are whole hundredths of a second: each picture ends at the hundredth nearest to its end.
      const until = Math.round((100 * ++shown) / fps);
      return file.write(gifPicture(picture, until - Math.round((100 * (shown - 1)) / fps)));
    },
    end: async () => {
      await file.write(gifEnd);
      await file.commit(false);
    },
    abort: () => file.abort(),
  };
}

/** A file for each picture: `shot-%04d.png` gives `shot-0001.png` and so on. */
function numberedPictures(path: string): FilmWriter {
  let number = 0;
  return {
    add: async (picture) => {
      number++;
      const name = path.replace(/%0?(\d*)d/, (_, digits: string) =>
        String(number).padStart(Number(digits), '0'),
      );
      await writeFileAtomic(name, await png(picture));
    },
    end: () => Promise.resolve(),
    abort: () => Promise.resolve(),
  };
}

/** One PNG of pictures in rows, in equal steps of time; what is kept is thinned out as more come. */
function contactSheet(path: string): FilmWriter {
  let kept: IndexedPicture[] = [];
  let step = 1;
  let count = 0;
  return {
    add: async (picture) => {
      if (count++ % step !== 0) return;
      kept.push({ ...picture, pixels: picture.pixels.slice() });
      if (kept.length < 2 * SHEET_PICTURES) return;
      kept = kept.filter((_, i) => i % 2 === 0);
      step *= 2;
    },
    end: async () => {
      const stride = Math.max(1, Math.ceil(kept.length / SHEET_PICTURES));
      await writeFileAtomic(path, await png(tiled(kept.filter((_, i) => i % stride === 0))));
    },
    abort: () => Promise.resolve(),
  };
}

/** Pictures of one size side by side, with a line of background between. */
function tiled(pictures: readonly IndexedPicture[]): IndexedPicture {
  const { width, height, colours } = pictures[0]!;
  const columns = Math.min(SHEET_COLUMNS, pictures.length);
  const rows = Math.ceil(pictures.length / columns);
  const full = { width: columns * (width + 1) - 1, height: rows * (height + 1) - 1 };
  const pixels = new Uint8Array(full.width * full.height).fill(GAP);
  pictures.forEach((picture, i) => {
    const left = (i % columns) * (width + 1);
    const top = Math.floor(i / columns) * (height + 1);
    for (let y = 0; y < height; y++) {
      pixels.set(picture.pixels.subarray(y * width, (y + 1) * width), (top + y) * full.width + left);
    }
  });
  return { ...full, pixels, colours };
}

async function png(picture: IndexedPicture): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  const { width, height } = picture;
  return sharp(toRgb(picture), { raw: { width, height, channels: 3 } })
    .png({ palette: true })
    .toBuffer();
}

/** H.264 through ffmpeg, which has to be installed. */
async function openMp4(path: string, { size, factor, fps }: FilmOptions): Promise<FilmWriter> {
  const temporary = `${path}.${process.pid}.tmp.mp4`;
  const input = [
    '-f',
    'rawvideo',
    '-pix_fmt',
    'rgb24',
    '-s',
    `${size.width * factor}x${size.height * factor}`,
  ];
  // The common pixel format has colours for every second pixel only. Single events are fine detail: a high quality. The
  // index stands first, so that a page shows the film while it loads.
  const shape = ['-an', '-vf', 'pad=ceil(iw/2)*2:ceil(ih/2)*2', '-pix_fmt', 'yuv420p'];
  const output = [...shape, '-crf', '16', '-movflags', '+faststart', temporary];
  const args = ['-y', '-loglevel', 'error', ...input, '-r', String(fps), '-i', '-', ...output];
  // Apart from the terminal's processes: Ctrl-C ends the film here, with the pictures so far.
  const ffmpeg = spawn('ffmpeg', args, { stdio: ['pipe', 'ignore', 'pipe'], detached: true });
  let said = '';
  ffmpeg.stderr.on('data', (text: Buffer) => {
    said = `${said}${text}`.slice(-500);
  });
  ffmpeg.stdin.on('error', () => undefined); // Its exit tells why.
  const closed = once(ffmpeg, 'close') as Promise<[number | null]>;
  closed.catch(() => undefined);
  await once(ffmpeg, 'spawn').catch((cause: Error) => {
    throw new InputError(
      `MP4 needs ffmpeg, which cannot be started (${cause.message}); .gif needs nothing`,
      path,
      { cause },
    );
  });
  return {
    add: async (picture) => {
      if (ffmpeg.stdin.destroyed || ffmpeg.stdin.write(toRgb(picture))) return;
      await Promise.race([once(ffmpeg.stdin, 'drain'), closed]);
    },
    end: async () => {
      ffmpeg.stdin.end();
      const [code] = await closed;
      if (code !== 0)
        throw new InputError(`ffmpeg failed: ${said.trim().split('\n').at(-1) || `status ${code}`}`, path);
      await rename(temporary, path);
    },
    abort: async () => {
      ffmpeg.kill();
      await closed.catch(() => undefined); // It writes to the file until then.
      await rm(temporary, { force: true });
    },
  };
}
