import type { IndexedPicture } from './event-picture.ts';

/**
 * The picture as sixels, bands of six rows that are drawn once for each colour (DEC STD 070, chapter 9).
 * https://vt100.net/docs/vt3xx-gp/chapter14.html
 */
export function sixels({ width, height, pixels, colours }: IndexedPicture): string {
  const percent = (value: number): number => Math.round((100 * value) / 255);
  const registers = colours.map((colour, index) => `#${index};2;${colour.map(percent).join(';')}`);
  const bands: string[] = [];
  const bits = new Uint8Array(width);
  for (let top = 0; top < height; top += 6) {
    const rows = Math.min(6, height - top);
    const band = pixels.subarray(top * width, (top + rows) * width);
    const passes: string[] = [];
    for (const colour of new Set(band)) {
      bits.fill(0);
      for (let i = 0; i < band.length; i++) {
        if (band[i] === colour) bits[i % width]! |= 1 << Math.floor(i / width);
      }
      passes.push(`#${colour}${runLengths(bits)}`);
    }
    bands.push(passes.join('$'));
  }
  return `\u001bP0;1q"1;1;${width};${height}${registers.join('')}${bands.join('-')}\u001b\\`;
}

/** Characters of six bits each, runs of more than three as `!count`; empty ends are left out. */
function runLengths(bits: Uint8Array): string {
  let text = '';
  let end = bits.length;
  while (end > 0 && bits[end - 1] === 0) end--;
  for (let start = 0; start < end; ) {
    let next = start + 1;
    while (next < end && bits[next] === bits[start]) next++;
    const character = String.fromCharCode(63 + bits[start]!);
    text += next - start > 3 ? `!${next - start}${character}` : character.repeat(next - start);
    start = next;
  }
  return text;
}
