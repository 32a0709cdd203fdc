import * as Plot from '@observablehq/plot';
import { grouped } from '../numbers.ts';
import { palette, seriesColour } from '../palette.ts';
import type { LayerRasterReport, RasterReport } from '../report-data.ts';
import { type Panel, panel } from './panel.ts';

const MARGINS = { marginLeft: 40, marginRight: 12, marginTop: 4, marginBottom: 38 };
/** Space above a layer's rows, for its name. */
const NAME_HEIGHT = 22;
/** Height of a layer, with its name. */
const LAYER_HEIGHT = 96;

/** Spikes of one sample: a band of neurons for each layer, first layer on top, a mark for each spike. */
export function rasterPanel(title: string, { id, layers }: RasterReport, width: number): Panel {
  const spikes = layers.flatMap(({ layer, spikes }) =>
    spikes.flatMap((steps, row) =>
      steps.map((step) => ({ layer, step: step + 1, row: (row + 0.5) / spikes.length })),
    ),
  );
  const names = ({ layer, neurons, active, spikes }: LayerRasterReport): string => {
    const those =
      spikes.length < active ? `${spikes.length} of the ${grouped(active)}` : `the ${grouped(active)}`;
    return `${layer}: ${active === 0 ? 'none fired' : `${those} that fired`}, of ${grouped(neurons)} neurons`;
  };
  return panel({
    title,
    subtitle: `sample ${id}`,
    width,
    plotHeight: layers.length * LAYER_HEIGHT + MARGINS.marginBottom,
    plot: {
      ...bands(layers),
      y: { axis: null, domain: [0, 1], range: [LAYER_HEIGHT - 6, NAME_HEIGHT] },
      marks: [
        ...nameMarks(layers, names),
        Plot.frame({ stroke: palette.faint, insetTop: NAME_HEIGHT - 3, insetBottom: 2 }),
        Plot.dot(spikes, { x: 'step', y: 'row', fy: 'layer', r: 1.4, fill: seriesColour(0) }),
      ],
    },
  });
}

/** Potentials of a few neurons of each layer for one sample, with the threshold. */
export function potentialPanel(
  title: string,
  { id, layers }: RasterReport,
  width: number,
): Panel | undefined {
  const known = layers.filter(({ potentials }) => potentials.length > 0);
  if (known.length === 0) return undefined;
  const traces = known.flatMap(({ layer, potentials }) =>
    potentials.map((values, index) => values.map((value, step) => ({ layer, value, step: step + 1, index }))),
  );
  const thresholds = known.flatMap(({ layer, threshold }) =>
    threshold === undefined ? [] : [{ layer, threshold }],
  );
  return panel({
    title,
    subtitle: `sample ${id}; the dashed line is the threshold`,
    width,
    plotHeight: known.length * LAYER_HEIGHT + MARGINS.marginBottom,
    plot: {
      ...bands(known),
      y: { label: null, ticks: 3, range: [LAYER_HEIGHT - 6, NAME_HEIGHT], nice: true },
      marks: [
        ...nameMarks(known, ({ layer, potentials }) => `${layer}: ${potentials.length} of its neurons`),
        Plot.frame({ stroke: palette.faint, insetTop: NAME_HEIGHT - 3, insetBottom: 2 }),
        Plot.ruleY(thresholds, {
          y: 'threshold',
          fy: 'layer',
          stroke: palette.quiet,
          strokeDasharray: '4 3',
        }),
        ...traces.flatMap((trace) => {
          const channels = { x: 'step', y: 'value', fy: 'layer' };
          const colour = seriesColour(trace[0]!.index);
          return [
            Plot.line(trace, { ...channels, stroke: colour, strokeWidth: 1.5 }),
            Plot.dot(trace, { ...channels, fill: colour, r: 1.6 }),
          ];
        }),
      ],
    },
  });
}

function bands(layers: readonly LayerRasterReport[]): Plot.PlotOptions {
  const steps = Math.max(...layers.map((layer) => layer.steps));
  return {
    ...MARGINS,
    x: {
      label: 'step',
      labelArrow: 'none',
      domain: [0.5, steps + 0.5],
      ticks: Array.from({ length: steps }, (_, step) => step + 1).filter(
        (step) => step % Math.ceil(steps / 16) === 0,
      ),
      tickFormat: (step: number) => String(step),
    },
    fy: { axis: null, domain: layers.map(({ layer }) => layer), padding: 0 },
  };
}

function nameMarks(
  layers: readonly LayerRasterReport[],
  words: (layer: LayerRasterReport) => string,
): Plot.Markish[] {
  return [
    Plot.text(layers, {
      fy: 'layer',
      text: words,
      frameAnchor: 'top-left',
      dy: 4,
      fill: palette.ink,
    }),
  ];
}
