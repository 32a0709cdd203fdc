/**
 * Colours of reports. Pictures are drawn in the light ones; the dark ones take their places by a style sheet where a
 * reader prefers dark, or by substitution. So no two roles share a light colour.
 */

/** Colours by role. */
interface Palette {
  readonly paper: string;
  readonly ink: string;
  /** Text of less weight. */
  readonly quiet: string;
  /** Lines that only guide. */
  readonly faint: string;
  /** What stands for amounts in matrices. */
  readonly heat: string;
  /** Text on a strong `heat`. */
  readonly onHeat: string;
  /** Lines and marks that have to be told apart. */
  readonly series: readonly string[];
}

/** The colours that pictures are drawn in. */
export const palette: Palette = {
  paper: '#ffffff',
  ink: '#1c2430',
  quiet: '#5b6675',
  faint: '#dfe3e8',
  heat: '#2f66b0',
  onHeat: '#fefefe',
  series: [
    '#2060a8',
    '#c4500a',
    '#23794a',
    '#8a4bb8',
    '#b01e4b',
    '#0b7a8a',
    '#7a5b12',
    '#5c6b1c',
    '#b0459a',
    '#4b4f9e',
  ],
};

/** The colours for readers who prefer darkPalette. */
export const darkPalette: Palette = {
  paper: '#12161c',
  ink: '#e4e9f0',
  quiet: '#9aa6b5',
  faint: '#303844',
  heat: '#5c9ce6',
  onHeat: '#0c1016',
  series: [
    '#6cb0f5',
    '#f59a55',
    '#62c98f',
    '#c79af0',
    '#f57f9f',
    '#55c5d3',
    '#d6b45e',
    '#b3c466',
    '#ee92d8',
    '#a3a8f5',
  ],
};

/** The colour of the n-th of several lines. */
export function seriesColour(index: number): string {
  return palette.series[index % palette.series.length]!;
}

const pairs: readonly (readonly [light: string, dark: string])[] = [
  [palette.paper, darkPalette.paper],
  [palette.ink, darkPalette.ink],
  [palette.quiet, darkPalette.quiet],
  [palette.faint, darkPalette.faint],
  [palette.heat, darkPalette.heat],
  [palette.onHeat, darkPalette.onHeat],
  ...palette.series.map((colour, index) => [colour, darkPalette.series[index]!] as const),
];

/** A style sheet that turns pictures drawn in the light colours dark, where a reader prefers that. */
export const darkStyle: string = `@media (prefers-color-scheme: dark) {\n${pairs
  .flatMap(([from, to]) =>
    ['fill', 'stroke', 'color'].map((property) => `[${property}="${from}"] { ${property}: ${to}; }`),
  )
  .join('\n')}\n}`;

/** Custom properties for pages: `--ink` and the like, in both themes. */
export const pageColours: string = `:root { ${properties(palette)} }
@media (prefers-color-scheme: dark) { :root { ${properties(darkPalette)} } }`;

function properties({ paper, ink, quiet, faint, heat }: Palette): string {
  return `--paper: ${paper}; --ink: ${ink}; --quiet: ${quiet}; --faint: ${faint}; --heat: ${heat};`;
}

/** A picture drawn in the light colours, in the dark ones. */
export function darkened(svg: string): string {
  const byLight = new Map(pairs);
  return svg.replace(/#[0-9a-f]{6}/g, (colour) => byLight.get(colour) ?? colour);
}
