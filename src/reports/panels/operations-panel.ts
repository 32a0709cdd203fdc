import * as Plot from '@observablehq/plot';
import { scaled } from '../numbers.ts';
import { palette, seriesColour } from '../palette.ts';
import type { WorkReport } from '../report-data.ts';
import { type Panel, panel, textWidth } from './panel.ts';

/** Height of a layer's bar, with the space around it. */
const BAR_HEIGHT = 26;

/** Operations of a sample by layer: all that there are, and those whose input and weight are not zero. */
export function operationsPanel(title: string, { layers, samples }: WorkReport, width: number): Panel {
  const name = ({ layer, binary }: (typeof layers)[number]): string => `${layer} (${binary ? 'AC' : 'MAC'})`;
  const bars = layers.map((layer) => ({ ...layer, name: name(layer) }));
  const longest = Math.max(0, ...bars.map((bar) => textWidth(bar.name)));
  const most = Math.max(1, ...layers.map(({ dense }) => dense));
  return panel({
    title,
    subtitle: `mean of ${samples} samples; AC: inputs are 0 or 1, so weights are only added`,
    legend: [
      { label: 'effective: neither input nor weight is 0', colour: seriesColour(0), mark: 'bar' },
      { label: 'dense', colour: palette.faint, mark: 'bar' },
    ],
    width,
    plotHeight: layers.length * BAR_HEIGHT + 46,
    plot: {
      marginLeft: longest + 12,
      marginRight: 120,
      marginTop: 4,
      marginBottom: 38,
      x: {
        label: 'operations',
        labelArrow: 'none',
        domain: [0, most],
        ticks: 3,
        tickFormat: (value: number) => scaled(value).replace(/\.0+(?= |$)/, ''),
      },
      y: { label: null, domain: bars.map((bar) => bar.name), tickSize: 0 },
      marks: [
        Plot.barX(bars, { x: 'dense', y: 'name', fill: palette.faint, insetTop: 4, insetBottom: 4 }),
        Plot.barX(bars, { x: 'effective', y: 'name', fill: seriesColour(0), insetTop: 4, insetBottom: 4 }),
        Plot.text(bars, {
          x: 'dense',
          y: 'name',
          text: ({ effective, dense }: (typeof bars)[number]) => `${scaled(effective)} of ${scaled(dense)}`,
          textAnchor: 'start',
          dx: 6,
          fill: palette.ink,
        }),
      ],
    },
  });
}
