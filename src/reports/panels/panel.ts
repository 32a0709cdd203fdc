/**
 * A panel is one plot with its title and legend, as a piece of SVG in the light colours. Reports put panels side by
 * side; a panel alone is a picture too.
 */

import * as Plot from '@observablehq/plot';
import { JSDOM } from 'jsdom';
import { palette } from '../palette.ts';

/** A plot with title and legend. */
export interface Panel {
  readonly title: string;
  readonly width: number;
  readonly height: number;
  /** An `svg` element of that size. */
  readonly svg: string;
}

/** An entry of a legend. */
export interface LegendEntry {
  readonly label: string;
  readonly colour: string;
  readonly dash?: string | undefined;
  /** What the plot draws in this colour. Default `line`. */
  readonly mark?: 'line' | 'bar';
}

/** What a panel is made of. */
export interface PanelContent {
  readonly title: string;
  readonly subtitle?: string | undefined;
  readonly legend?: readonly LegendEntry[] | undefined;
  readonly width: number;
  /** Height of the plot; the panel is as much higher as its title and legend take. */
  readonly plotHeight: number;
  readonly plot: Plot.PlotOptions;
}

/** What letters are drawn in. */
export const FONT = "system-ui, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', sans-serif";
const TITLE_SIZE = 15;
const TEXT_SIZE = 12;
const LINE = 20;

let page: Document | undefined;

/** A panel of a plot. */
export function panel({ title, subtitle, legend = [], width, plotHeight, plot }: PanelContent): Panel {
  page ??= new JSDOM('').window.document;
  const lines = legendLines(legend, width);
  const top = LINE + (subtitle === undefined ? 0 : LINE) + lines.length * LINE + 4;
  const drawn = Plot.plot({
    ...plot,
    document: page,
    width,
    height: plotHeight,
    style: { fontSize: `${TEXT_SIZE}px` },
  });
  // The style sheet that Plot adds is for plots that stand alone in a page.
  drawn.querySelector('style')?.remove();
  drawn.setAttribute('y', String(top));
  const parts = [
    text(0, TITLE_SIZE, title, { size: TITLE_SIZE, weight: 600 }),
    ...(subtitle === undefined ? [] : [text(0, LINE + TEXT_SIZE + 2, subtitle, { colour: palette.quiet })]),
    ...lines.map((line, index) => legendLine(line, top - 4 - (lines.length - index) * LINE)),
    drawn.outerHTML,
  ];
  const height = top + plotHeight;
  return { title, width, height, svg: svgElement(width, height, parts.join('\n'), title) };
}

/** An `svg` element around what is drawn in it. */
export function svgElement(width: number, height: number, content: string, title: string): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `role="img" aria-label="${escaped(title)}" color="${palette.ink}" font-family="${FONT}">${content}</svg>`
  );
}

/** How a line of text is drawn. */
export interface TextStyle {
  readonly size?: number;
  readonly weight?: number;
  readonly colour?: string;
  readonly anchor?: 'start' | 'end';
}

/** A line of text at a place; y is its base line. */
export function text(x: number, y: number, words: string, style: TextStyle = {}): string {
  const { size = TEXT_SIZE, weight = 400, colour = palette.ink, anchor = 'start' } = style;
  return `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}" fill="${colour}" text-anchor="${anchor}">${escaped(words)}</text>`;
}

/** Text as it may stand in SVG and HTML. */
export function escaped(words: string): string {
  return words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** About how wide a text is in pixels: fonts differ, and there is nothing to measure them with. */
export function textWidth(words: string, size: number = TEXT_SIZE): number {
  return 0.6 * size * words.length;
}

const SWATCH = 22;

/** The entries in as many lines as they need. */
function legendLines(entries: readonly LegendEntry[], width: number): LegendEntry[][] {
  const lines: LegendEntry[][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    const wanted = entryWidth(entry);
    if (used + wanted > width) {
      lines.push([]);
      used = 0;
    }
    lines.at(-1)!.push(entry);
    used += wanted;
  }
  return lines;
}

function entryWidth({ label }: LegendEntry): number {
  return SWATCH + 6 + textWidth(label) + 16;
}

function legendLine(entries: readonly LegendEntry[], y: number): string {
  let x = 0;
  const parts = entries.map((entry) => {
    const { label, colour, dash, mark } = entry;
    const dashes = dash === undefined ? '' : ` stroke-dasharray="${dash}"`;
    const middle = y + LINE / 2;
    const swatch = `<line x1="${x}" x2="${x + SWATCH}" y1="${middle}" y2="${middle}" stroke="${colour}" stroke-width="${mark === 'bar' ? 10 : 2.5}"${dashes}/>`;
    const words = text(x + SWATCH + 6, middle + 4, label);
    x += entryWidth(entry);
    return swatch + words;
  });
  return parts.join('');
}
