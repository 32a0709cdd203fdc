import { palette, seriesColour } from '../palette.ts';
import type { EpochReport, NetworkReport, PublishedAccuracy } from '../report-data.ts';
import { spikes } from '../summary.ts';
import { type Level, type Line, linePanel } from './line-panel.ts';
import type { LegendEntry, Panel } from './panel.ts';

/** Size of a panel's plot in pixels. */
export interface PanelSize {
  readonly width: number;
  readonly height: number;
}

/** How the parts of the data are told apart; the first that an epoch has is its held-out part. */
const styles = { test: undefined, validation: '6 3', training: '1.5 3' } as const;
type Part = keyof typeof styles;

const values: Readonly<
  Record<'accuracy' | 'loss', Readonly<Record<Part, (epoch: EpochReport) => number | undefined>>>
> = {
  accuracy: {
    test: ({ testAccuracy }) => testAccuracy && 100 * testAccuracy,
    validation: ({ validationAccuracy }) => validationAccuracy && 100 * validationAccuracy,
    training: ({ trainAccuracy }) => 100 * trainAccuracy,
  },
  loss: {
    test: ({ testLoss }) => testLoss,
    validation: ({ validationLoss }) => validationLoss,
    training: ({ trainLoss }) => trainLoss,
  },
};

/** Networks from which their training curves would hide the others. */
const CROWDED = 3;

/** Accuracy of every network over epochs: a colour a network, a dash a part of the data; published ones are level. */
export function accuracyPanel(
  networks: readonly NetworkReport[],
  size: PanelSize,
  references: readonly PublishedAccuracy[] = [],
): Panel {
  const levels = references.map(({ label, accuracy }, index) => ({
    label,
    value: 100 * accuracy,
    colour: seriesColour(networks.length + index),
    dash: '9 4',
  }));
  return curves('Accuracy', '%', networks, values.accuracy, { ...size, levels });
}

/** Loss of every network over epochs. */
export function lossPanel(networks: readonly NetworkReport[], size: PanelSize): Panel {
  return curves('Loss', 'mean loss', networks, values.loss, size);
}

function curves(
  title: string,
  unit: string,
  networks: readonly NetworkReport[],
  value: (typeof values)['loss'],
  { levels = [], ...size }: PanelSize & { readonly levels?: readonly Level[] },
): Panel {
  const all = Object.keys(styles) as Part[];
  const crowded = networks.length > CROWDED;
  const parts = crowded ? all.filter((part) => part !== 'training') : all;
  const lines = networks.flatMap(({ epochs }, index) =>
    parts.map((part): Line & { readonly part: Part } => ({
      part,
      colour: seriesColour(index),
      dash: styles[part],
      points: epochs.flatMap((epoch) => {
        const y = value[part](epoch);
        return y === undefined ? [] : [[epoch.epoch, y] as const];
      }),
    })),
  );
  const drawn = lines.filter(({ points }) => points.length > 0);
  const colour = networks.length === 1 ? seriesColour(0) : palette.quiet;
  const legend: LegendEntry[] = [
    ...(networks.length === 1 ? [] : networkLegend(networks)),
    ...parts
      .filter((part) => drawn.some((line) => line.part === part))
      .map((part) => ({ label: part, colour, dash: styles[part] })),
    ...levels.map(({ label, colour, dash }) => ({ label, colour, dash })),
  ];
  return linePanel({ title, ...size, x: 'epoch', y: unit, lines: drawn, levels, legend, counted: true });
}

/** Spike rates of one network's layers over epochs. */
export function layerRatePanel({ label, epochs }: NetworkReport, many: boolean, size: PanelSize): Panel {
  const layers = [...new Set(epochs.flatMap(({ layerRates }) => Object.keys(layerRates)))];
  const lines = layers.map(
    (layer, index): Line => ({
      label: layer,
      colour: seriesColour(index),
      points: epochs.flatMap(({ epoch, layerRates }) =>
        layerRates[layer] === undefined ? [] : [[epoch, 100 * layerRates[layer]] as const],
      ),
    }),
  );
  const title = many ? `Spike rate by layer: ${label}` : 'Spike rate by layer';
  return linePanel({ title, ...size, x: 'epoch', y: '% of steps', lines, counted: true, fromZero: true });
}

/** Spike rate over epochs of every network that spikes, every neuron counting once. */
export function spikeRatePanel(networks: readonly NetworkReport[], size: PanelSize): Panel {
  const lines = networks.flatMap((network, index): Line[] => {
    if (!spikes(network)) return [];
    const points = network.epochs.map(({ epoch, spikeRate }) => [epoch, 100 * spikeRate] as const);
    return [{ label: network.label, colour: seriesColour(index), points }];
  });
  const only = lines.length === 1 && networks.length > 1 ? lines[0]!.label : undefined;
  return linePanel({
    title: only === undefined ? 'Spike rate' : `Spike rate: ${only}`,
    ...size,
    x: 'epoch',
    y: '% of steps',
    lines,
    counted: true,
    fromZero: true,
  });
}

/** What else was measured over epochs, a colour a quantity; undefined where nothing was. */
export function quantityPanel(
  { label, epochs }: NetworkReport,
  many: boolean,
  size: PanelSize,
): Panel | undefined {
  const names = [
    ...new Set(
      epochs.flatMap(({ quantities = {}, trainQuantities = {} }) => [
        ...Object.keys(quantities),
        ...Object.keys(trainQuantities),
      ]),
    ),
  ];
  if (names.length === 0) return undefined;
  const line = (
    name: string,
    index: number,
    part: 'held out' | 'training',
    of: (epoch: EpochReport) => EpochReport['quantities'],
  ): Line => ({
    label: `${name}, ${part}`,
    colour: seriesColour(index),
    dash: part === 'training' ? styles.training : undefined,
    points: epochs.flatMap((epoch) => {
      const y = of(epoch)?.[name];
      return y === undefined ? [] : [[epoch.epoch, y] as const];
    }),
  });
  const lines = names.flatMap((name, index) => [
    line(name, index, 'held out', ({ quantities }) => quantities),
    line(name, index, 'training', ({ trainQuantities }) => trainQuantities),
  ]);
  return linePanel({
    title: many ? `Measured: ${label}` : 'Measured',
    ...size,
    x: 'epoch',
    y: '',
    lines: lines.filter(({ points }) => points.length > 0),
    counted: true,
  });
}

function networkLegend(networks: readonly NetworkReport[]): LegendEntry[] {
  return networks.map(({ label }, index) => ({ label, colour: seriesColour(index) }));
}
