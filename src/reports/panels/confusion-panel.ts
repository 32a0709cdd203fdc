import * as Plot from '@observablehq/plot';
import { percent } from '../numbers.ts';
import { palette } from '../palette.ts';
import type { MeasuresReport } from '../report-data.ts';
import type { PanelSize } from './epoch-panels.ts';
import { type Panel, panel, textWidth } from './panel.ts';

/** Classes up to which each has its name, and each cell its number. */
const NAMED_CLASSES = 20;

/** Share from which a cell is so strong that its number needs another colour. */
const STRONG = 0.55;

/** A confusion matrix: rows are classes, columns what was found; a cell's weight is its share of the row. */
export function confusionPanel(
  title: string,
  { confusion, part, accuracy, epoch }: MeasuresReport,
  classNames: readonly string[],
  { width, height }: PanelSize,
): Panel {
  const cells = confusion.flatMap((row, actual) => {
    const all = row.reduce((sum, count) => sum + count, 0);
    return row.map((count, found) => ({ actual, found, count, share: count / Math.max(all, 1) }));
  });
  const classes = confusion.length;
  const named = classes <= NAMED_CLASSES;
  const names = (index: number): string => (named ? (classNames[index] ?? String(index)) : String(index));
  const shown = confusion
    .map((_, index) => index)
    .filter((index) => named || index % Math.ceil(classes / 10) === 0);
  const longest = Math.max(...shown.map((index) => textWidth(names(index))));
  const slanted = named && longest > (width - longest) / classes - 4;
  const samples = cells.reduce((sum, { count }) => sum + count, 0);
  const at = { x: 'found', y: 'actual' };
  return panel({
    title,
    subtitle: `${samples} ${part} samples, ${percent(accuracy)} right, checkpoint of epoch ${epoch}`,
    width,
    plotHeight: height,
    plot: {
      marginLeft: Math.max(40, longest + 14),
      marginTop: 18,
      marginRight: 12,
      marginBottom: slanted ? 0.75 * longest + 34 : 44,
      x: {
        padding: 0,
        label: 'class found',
        labelArrow: 'none',
        ticks: shown,
        tickFormat: names,
        tickSize: 0,
        ...(slanted && { tickRotate: -45 }),
      },
      y: { padding: 0, label: 'class', labelArrow: 'none', ticks: shown, tickFormat: names, tickSize: 0 },
      marks: [
        named
          ? Plot.cell(cells, { ...at, fill: palette.faint, fillOpacity: 0.35, inset: 1 })
          : Plot.frame({ fill: palette.faint, fillOpacity: 0.35 }),
        Plot.cell(
          cells.filter(({ count }) => count > 0),
          { ...at, fill: palette.heat, fillOpacity: 'share', inset: named ? 1 : 0 },
        ),
        ...(named
          ? [
              numbers(
                cells.filter(({ count, share }) => count > 0 && share <= STRONG),
                palette.ink,
              ),
              numbers(
                cells.filter(({ share }) => share > STRONG),
                palette.onHeat,
              ),
            ]
          : []),
      ],
      // Shares are opacities as they are.
      opacity: { type: 'linear', domain: [0, 1], range: [0, 1] },
    },
  });
}

function numbers(cells: readonly { readonly count: number }[], fill: string): Plot.Text {
  return Plot.text(cells, { x: 'found', y: 'actual', text: 'count', fill });
}
