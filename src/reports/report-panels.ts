import { confusionPanel } from './panels/confusion-panel.ts';
import {
  accuracyPanel,
  layerRatePanel,
  lossPanel,
  type PanelSize,
  quantityPanel,
  spikeRatePanel,
} from './panels/epoch-panels.ts';
import { operationsPanel } from './panels/operations-panel.ts';
import type { Panel } from './panels/panel.ts';
import { potentialPanel, rasterPanel } from './panels/raster-panels.ts';
import type { NetworkReport, Report } from './report-data.ts';
import { spikes } from './summary.ts';

/** Width of every panel in pixels. */
export const PANEL_WIDTH = 560;

const curve: PanelSize = { width: PANEL_WIDTH, height: 280 };
const matrix: PanelSize = { width: PANEL_WIDTH, height: 440 };

/** Networks up to which each is shown with its operations, spikes and potentials; more are compared. */
const DETAILED_NETWORKS = 3;

/** The panels of a report: what networks are compared by, then each network by itself. */
export function reportPanels({ networks, references }: Report): Panel[] {
  const trained = networks.filter(({ epochs }) => epochs.length > 0);
  if (trained.length === 0) return [];
  const many = networks.length > 1;
  return [
    accuracyPanel(trained, curve, references),
    lossPanel(trained, curve),
    ...(many && trained.some(spikes) ? [spikeRatePanel(trained, curve)] : []),
    ...trained.flatMap((network) => [
      ...outcomePanels(network, many),
      ...(networks.length > DETAILED_NETWORKS ? [] : insidePanels(network, many)),
    ]),
  ];
}

/** What came out of a network. */
function outcomePanels(network: NetworkReport, many: boolean): Panel[] {
  const { label, classNames, measures } = network;
  const quantities = quantityPanel(network, many, curve);
  return [
    ...(spikes(network) ? [layerRatePanel(network, many, curve)] : []),
    ...(quantities === undefined ? [] : [quantities]),
    ...(measures === undefined
      ? []
      : [confusionPanel(titled('Confusion', label, many), measures, classNames, matrix)]),
  ];
}

/** What went on inside of it. */
function insidePanels({ label, measures }: NetworkReport, many: boolean): Panel[] {
  if (measures === undefined) return [];
  const { work, raster } = measures;
  const title = (what: string): string => titled(what, label, many);
  const potentials = potentialPanel(title('Membrane potentials'), raster, PANEL_WIDTH);
  return [
    operationsPanel(title('Operations of a sample'), work, PANEL_WIDTH),
    ...(raster.layers.length > 0 ? [rasterPanel(title('Spikes of one sample'), raster, PANEL_WIDTH)] : []),
    ...(potentials === undefined ? [] : [potentials]),
  ];
}

function titled(what: string, label: string, many: boolean): string {
  return many ? `${what}: ${label}` : what;
}
