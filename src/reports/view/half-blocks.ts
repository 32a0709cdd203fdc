import { backgroundIndex, type IndexedPicture, type Rgb } from './event-picture.ts';

/** How many colours a terminal shows. */
export type ColourDepth = 'true' | '256' | 'none';

/** Distance from the background, in shades, from which a pixel is lit without colours. */
const LIT = 4;

/**
 * The picture in characters, two pixels above each other in one: the upper half block in the upper pixel's colour on
 * the lower one's. Lines end in a carriage return and a line feed, as raw terminals need it.
 */
export function halfBlocks({ width, height, pixels, colours }: IndexedPicture, depth: ColourDepth): string {
  const lines: string[] = [];
  const codes = colours.map((colour) =>
    depth === 'true' ? `2;${colour.join(';')}` : `5;${cubeIndex(colour)}`,
  );
  for (let y = 0; y < height; y += 2) {
    let line = '';
    let [upper, lower] = [-1, -1];
    for (let x = 0; x < width; x++) {
      const top = pixels[y * width + x]!;
      const bottom = y + 1 < height ? pixels[(y + 1) * width + x]! : backgroundIndex;
      if (depth === 'none') {
        line += ' ▄▀█'[2 * Number(isLit(top)) + Number(isLit(bottom))];
        continue;
      }
      if (top !== bottom && top !== upper) line += `\u001b[38;${codes[top]}m`;
      if (bottom !== lower) line += `\u001b[48;${codes[bottom]}m`;
      if (top !== bottom) upper = top;
      lower = bottom;
      line += top === bottom ? ' ' : '▀';
    }
    lines.push(depth === 'none' ? line : `${line}\u001b[0m`);
  }
  return lines.map((line) => `${line}\u001b[K\r\n`).join('');
}

function isLit(index: number): boolean {
  return Math.abs(index - backgroundIndex) >= LIT;
}

/** The nearest of the 6 x 6 x 6 colours, or 24 greys, of a terminal of 256 colours. */
function cubeIndex([red, green, blue]: Rgb): number {
  if (Math.max(red, green, blue) - Math.min(red, green, blue) < 12) {
    return 232 + Math.min(23, Math.max(0, Math.round((red - 8) / 10)));
  }
  // The steps of the cube are 0, 95, 135, 175, 215, 255.
  const step = (value: number): number => (value < 48 ? 0 : value < 115 ? 1 : Math.round((value - 55) / 40));
  return 16 + 36 * step(red) + 6 * step(green) + step(blue);
}
