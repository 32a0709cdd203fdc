import { darkStyle, palette } from './palette.ts';
import { type Panel, svgElement, text, textWidth } from './panels/panel.ts';
import type { Report } from './report-data.ts';
import { PANEL_WIDTH } from './report-panels.ts';
import { type Summary, summaryOf } from './summary.ts';

const MARGIN = 32;
const GAP = 44;
const WIDTH = 2 * MARGIN + 2 * PANEL_WIDTH + GAP;
const LINE = 20;

/** A report as one picture: heading, final table, panels in two columns; dark where a reader prefers that. */
export function reportSvg(report: Report, panels: readonly Panel[]): string {
  const parts: string[] = [];
  let y = MARGIN;
  for (const { words, size, colour, weight } of heading(report)) {
    y += size + 8;
    parts.push(text(MARGIN, y, words, { size, colour, weight }));
  }
  const table = tableLines(summaryOf(report), y + GAP / 2 + LINE);
  parts.push(...table.parts);
  y = table.bottom + GAP;
  for (const { panel, left, top } of placed(panels, y, 2)) {
    parts.push(panelAt(panel, left, top));
    y = Math.max(y, top + panel.height);
  }
  return picture(WIDTH, y + MARGIN, parts, report.title);
}

/** Panels of one width under a heading, as one picture; dark where a reader prefers that. */
export function gallerySvg(title: string, panels: readonly Panel[], columns: number): string {
  const top = MARGIN + 22 + GAP / 2;
  const width = 2 * MARGIN + columns * (panels[0]?.width ?? 0) + (columns - 1) * GAP;
  const places = placed(panels, top, columns);
  const bottom = Math.max(top, ...places.map((place) => place.top + place.panel.height));
  const parts = [
    text(MARGIN, MARGIN + 20, title, { size: 22, weight: 600 }),
    ...places.map(({ panel, left, top }) => panelAt(panel, left, top)),
  ];
  return picture(width, bottom + MARGIN, parts, title);
}

function panelAt({ svg }: Panel, x: number, y: number): string {
  return svg.replace('<svg ', `<svg x="${x}" y="${y}" `);
}

/** What is drawn, on paper. */
function picture(width: number, wanted: number, parts: readonly string[], title: string): string {
  const height = Math.ceil(wanted);
  const background = `<rect width="${width}" height="${height}" fill="${palette.paper}"/>`;
  return svgElement(width, height, [`<style>${darkStyle}</style>`, background, ...parts].join('\n'), title);
}

interface HeadingLine {
  readonly words: string;
  readonly size: number;
  readonly colour: string;
  readonly weight: number;
}

function heading({ title, facts, notes }: Report): HeadingLine[] {
  const small = { size: 13, weight: 400 };
  const fit = 2 * PANEL_WIDTH + GAP;
  return [
    { words: title, size: 22, colour: palette.ink, weight: 600 },
    ...wrapped(
      facts.map(([name, value]) => `${name} ${value}`),
      ' · ',
      fit,
      small.size,
    ).map((words) => ({
      words,
      ...small,
      colour: palette.quiet,
    })),
    ...notes
      .flatMap((note) => wrapped(note.split(' '), ' ', fit, small.size))
      .map((words) => ({
        words,
        ...small,
        colour: palette.ink,
        weight: 600,
      })),
  ];
}

/** Pieces joined to lines that are no wider than `width` pixels. */
function wrapped(pieces: readonly string[], between: string, width: number, size: number): string[] {
  const lines: string[] = [];
  for (const piece of pieces) {
    const longer = lines.length === 0 ? piece : `${lines.at(-1)}${between}${piece}`;
    if (lines.length > 0 && textWidth(longer, size) <= width) lines[lines.length - 1] = longer;
    else lines.push(piece);
  }
  return lines;
}

/** The table with its rules and notes, from a base line on. */
function tableLines({ columns, rows, notes }: Summary, first: number): { parts: string[]; bottom: number } {
  const widths = columns.map(({ title }, index) =>
    Math.max(textWidth(title), ...rows.map((row) => textWidth(row[index]!))),
  );
  const room = 2 * PANEL_WIDTH + GAP - widths.reduce((sum, width) => sum + width, 0);
  const between = Math.min(32, room / (columns.length - 1));
  const right = MARGIN + widths.reduce((sum, width) => sum + width, 0) + between * (columns.length - 1);
  const parts: string[] = [];
  let y = first;
  const line = (cells: readonly string[], weight: number): void => {
    let x = MARGIN;
    for (const [index, cell] of cells.entries()) {
      const end = columns[index]!.align === 'right';
      parts.push(text(end ? x + widths[index]! : x, y, cell, { weight, anchor: end ? 'end' : 'start' }));
      x += widths[index]! + between;
    }
  };
  const rule = (): void => {
    const at = y + 7;
    parts.push(`<line x1="${MARGIN}" x2="${right}" y1="${at}" y2="${at}" stroke="${palette.faint}"/>`);
  };
  line(
    columns.map(({ title }) => title),
    600,
  );
  rule();
  for (const row of rows) {
    y += LINE + 4;
    line(row, 400);
  }
  rule();
  y += 10;
  for (const note of notes.flatMap((words) => wrapped(words.split(' '), ' ', 2 * PANEL_WIDTH + GAP, 11))) {
    y += 16;
    parts.push(text(MARGIN, y, note, { size: 11, colour: palette.quiet }));
  }
  return { parts, bottom: y };
}

/** Panels in columns, each below the last one of the column that ends highest. */
function placed(
  panels: readonly Panel[],
  top: number,
  columns: number,
): { readonly panel: Panel; readonly left: number; readonly top: number }[] {
  const ends = new Array<number>(columns).fill(top);
  return panels.map((panel) => {
    const column = ends.indexOf(Math.min(...ends));
    const place = { panel, left: MARGIN + column * (panel.width + GAP), top: ends[column]! };
    ends[column]! += panel.height + GAP;
    return place;
  });
}
