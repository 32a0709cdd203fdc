import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import {
  backgroundIndex,
  EventPicture,
  eventColours,
  type IndexedPicture,
  magnified,
  toRgb,
} from '../../../src/reports/view/event-picture.ts';
import { gifEnd, gifHeader, gifPicture } from '../../../src/reports/view/gif.ts';
import { halfBlocks } from '../../../src/reports/view/half-blocks.ts';
import { sixels } from '../../../src/reports/view/sixel.ts';

function picture(width: number, height: number, pixels: ArrayLike<number>): IndexedPicture {
  return { width, height, pixels: Uint8Array.from(pixels), colours: eventColours };
}

describe('EventPicture', () => {
  it('shows polarities in their colours, many events stronger than one, and fades', () => {
    const shown = new EventPicture(2, 2);
    expect([...shown.pixels]).toEqual([15, 15, 15, 15]);
    shown.update(Float32Array.of(0, 1, 1, 0, 0, 9, 0, 0)); // on; off; many on; nothing
    expect([...shown.pixels]).toEqual([23, 8, 30, 15]);
    shown.update(new Float32Array(8));
    expect([...shown.pixels]).toEqual([19, 11, 22, 15]);
    for (let i = 0; i < 9; i++) shown.update(new Float32Array(8));
    expect([...shown.pixels]).toEqual([15, 15, 15, 15]);
    const weak = new EventPicture(1, 1, { gain: 0.1 });
    weak.update(Float32Array.of(0, 1));
    expect(weak.pixels[0]).toBe(16);
  });

  it('is magnified and turned to bytes pixel by pixel', () => {
    const large = magnified(picture(2, 1, [0, 30]), 2);
    expect([large.width, large.height, ...large.pixels]).toEqual([4, 2, 0, 0, 30, 30, 0, 0, 30, 30]);
    expect([...toRgb(picture(2, 1, [0, 30]))]).toEqual([...eventColours[0]!, ...eventColours[30]!]);
  });
});

describe('halfBlocks', () => {
  const small = picture(3, 3, [15, 30, 0, 15, 15, 0, 30, 15, 15]);

  it('draws two pixels a character', () => {
    expect(halfBlocks(small, 'none')).toBe(' ▀█\u001b[K\r\n▀  \u001b[K\r\n');
    const text = halfBlocks(small, 'true');
    const [on, off, none] = [30, 0, 15].map((index) => `2;${eventColours[index]!.join(';')}`);
    expect(text.split('\r\n')[0]).toBe(
      `\u001b[48;${none}m \u001b[38;${on}m▀\u001b[48;${off}m \u001b[0m\u001b[K`,
    );
  });

  it('uses the colours of a 256-colour terminal', () => {
    const codes = [...halfBlocks(small, '256').matchAll(/[34]8;5;(\d+)m/g)].map(([, code]) => Number(code));
    expect(new Set(codes)).toEqual(new Set([234, 223, 69]));
  });
});

/** The pixels that a sixel terminal would show; a small reading of the format, for one picture. */
function readSixels(text: string): { width: number; height: number; pixels: number[] } {
  const [, w, h, data] = /^P0;1q"1;1;(\d+);(\d+)(.*)$/s.exec(text.slice(1, -2))!;
  expect([text[0], text.slice(-2)]).toEqual(['\u001b', '\u001b\\']);
  const [width, height] = [Number(w), Number(h)];
  const pixels = new Array<number>(width * height).fill(-1);
  let [x, top, colour] = [0, 0, 0];
  for (const [token] of data!.matchAll(/#\d+;2;[\d;]+|#\d+|!\d+.|[$-]|[?-~]/g)) {
    const [first] = token;
    if (token.includes(';')) continue;
    if (first === '#') colour = Number(token.slice(1));
    else if (token === '$' || token === '-') {
      x = 0;
      if (token === '-') top += 6;
    } else {
      const count = first === '!' ? Number(token.slice(1, -1)) : 1;
      const bits = token.charCodeAt(token.length - 1) - 63;
      for (let i = 0; i < count; i++, x++) {
        for (let row = 0; row < 6; row++) if (bits & (1 << row)) pixels[(top + row) * width + x] = colour;
      }
    }
  }
  return { width, height, pixels };
}

const pictures = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 20 }))
  .chain(([width, height]) =>
    fc
      .array(fc.oneof(fc.constant(backgroundIndex), fc.nat(30)), {
        minLength: width * height,
        maxLength: width * height,
      })
      .map((pixels) => picture(width, height, pixels)),
  );

describe('sixels', () => {
  it('paint every pixel in its colour', () => {
    fc.assert(
      fc.property(pictures, (shown) => {
        const { width, height, pixels } = readSixels(sixels(shown));
        expect([width, height, pixels]).toEqual([shown.width, shown.height, [...shown.pixels]]);
      }),
    );
  });
});

describe('GIF', () => {
  async function decoded(bytes: Uint8Array): Promise<Uint8Array> {
    return (await sharp(bytes, { animated: true }).removeAlpha().raw().toBuffer()) as Uint8Array;
  }

  it('comes back pixel by pixel through another decoder', async () => {
    await fc.assert(
      fc.asyncProperty(pictures, async (shown) => {
        const bytes = Buffer.concat([gifHeader(shown), gifPicture(shown, 4), gifEnd]);
        expect(Buffer.compare(await decoded(bytes), toRgb(shown))).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  it('holds several pictures larger than the code table, with their times', async () => {
    let state = 1;
    const noise = Array.from({ length: 200 * 150 }, () => {
      state = (state * 48271) % 2147483647;
      return state % 31;
    });
    const shown = [picture(200, 150, noise), picture(200, 150, noise.toReversed())];
    const header = gifHeader({ ...shown[0]!, loop: true });
    const bytes = Buffer.concat([header, ...shown.map((one) => gifPicture(one, 7)), gifEnd]);
    const facts = await sharp(bytes, { animated: true }).metadata();
    expect(facts).toMatchObject({ pages: 2, delay: [70, 70], loop: 0, pageHeight: 150 });
    expect(Buffer.compare(await decoded(bytes), Buffer.concat(shown.map(toRgb)))).toBe(0);
  });
});
