import sharp from 'sharp';
import { darkened } from './palette.ts';

/** The themes of a picture. */
export const themes = ['light', 'dark'] as const;

/** Light or dark. */
export type Theme = (typeof themes)[number];

/** Dots an inch: twice the 72 at which a unit of SVG is a pixel. */
const DENSITY = 144;

/** An SVG that was drawn in the light colours as PNG, two pixels a unit. */
export async function toPng(svg: string, theme: Theme = 'light'): Promise<Uint8Array> {
  const themed = theme === 'dark' ? darkened(svg) : svg;
  return sharp(Buffer.from(themed), { density: DENSITY }).png().toBuffer();
}
