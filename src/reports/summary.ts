import { duration, energy, grouped, percent } from './numbers.ts';
import type { NetworkReport, Report } from './report-data.ts';
import { type Column, table } from './table.ts';

/** The final table of a report: what each network reached, and what that took. */
export interface Summary {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  /** What the columns mean, where their titles do not say. */
  readonly notes: readonly string[];
}

interface SummaryColumn extends Column {
  /** @param best best accuracy of the table; absent where there is no other network */
  cell(network: NetworkReport, best: number | undefined): string;
  readonly note?: string;
  /** Only of several networks. */
  readonly compares?: boolean;
}

const ABSENT = '–';

const summaryColumns: readonly SummaryColumn[] = [
  { title: 'network', cell: ({ label }) => label },
  {
    title: 'accuracy',
    align: 'right',
    cell: ({ measures }) => (measures === undefined ? ABSENT : percent(measures.accuracy, 2)),
    note: 'accuracy and spike rate: of the best checkpoint, on the held-out samples named',
  },
  { title: 'on', cell: ({ measures }) => measures?.part ?? ABSENT },
  {
    title: 'gap',
    align: 'right',
    cell: ({ measures }, best) =>
      measures === undefined || best === undefined ? ABSENT : (100 * (best - measures.accuracy)).toFixed(2),
    note: 'gap: points behind the best accuracy of the table',
    compares: true,
  },
  {
    title: 'best epoch',
    align: 'right',
    cell: ({ measures, epochs }) =>
      measures === undefined ? ABSENT : `${measures.epoch} of ${epochs.length}`,
  },
  {
    title: 'spike rate',
    align: 'right',
    cell: (network) =>
      network.measures === undefined || !spikes(network) ? ABSENT : percent(network.measures.spikeRate, 2),
  },
  {
    title: 'parameters',
    align: 'right',
    cell: ({ measures }) => (measures === undefined ? ABSENT : grouped(measures.parameters)),
  },
  {
    title: 'energy',
    align: 'right',
    cell: ({ measures }) => (measures === undefined ? ABSENT : energy(measures.work.energyPicojoules)),
    note:
      'energy: arithmetic of a sample at 45 nm, 4.6 pJ a multiply-accumulate, 0.9 pJ an accumulate, without memory; ' +
      'effective operations only, and (dense) all of them as products',
  },
  {
    title: 'dense',
    align: 'right',
    cell: ({ measures }) => (measures === undefined ? ABSENT : energy(measures.work.densePicojoules)),
  },
  {
    title: 'rule of thumb',
    align: 'right',
    cell: ({ measures }) =>
      measures?.ruleOfThumbRatio === undefined ? ABSENT : measures.ruleOfThumbRatio.toFixed(3),
    note: "rule of thumb: rate x 0.9 / (0.5 x 4.6), energy as a share of a non-spiking twin's; it forgets the timesteps",
  },
  {
    title: 'time',
    align: 'right',
    cell: ({ epochs }) => duration(epochs.reduce((sum, { seconds }) => sum + seconds, 0)),
  },
];

/** The final table of a report. */
export function summaryOf({ networks }: Pick<Report, 'networks'>): Summary {
  const fixed = summaryColumns.filter(({ compares }) => compares !== true || networks.length > 1);
  const all = [...fixed.slice(0, -1), ...quantityColumns(networks), fixed.at(-1)!];
  const best =
    networks.length > 1 ? Math.max(...networks.map(({ measures }) => measures?.accuracy ?? 0)) : undefined;
  return {
    columns: all.map(({ title, align }) => (align === undefined ? { title } : { title, align })),
    rows: networks.map((network) => all.map(({ cell }) => cell(network, best))),
    notes: fixed.flatMap(({ note }) => note ?? []),
  };
}

/** A column for everything else that was measured of some network. */
function quantityColumns(networks: readonly NetworkReport[]): SummaryColumn[] {
  const names = new Set(networks.flatMap(({ measures }) => Object.keys(measures?.quantities ?? {})));
  return [...names].map((title) => ({
    title,
    align: 'right',
    cell: ({ measures }) => measures?.quantities?.[title]?.toFixed(4) ?? ABSENT,
  }));
}

/** The final table with what is to be said of it, as text. */
export function summaryText(report: Pick<Report, 'networks' | 'notes'>): string {
  const { columns, rows, notes } = summaryOf(report);
  return [table(columns, rows), ...[...report.notes, ...notes].map((note) => `${note}\n`)].join('');
}

/** Whether a network has neurons that spike. */
export function spikes({ epochs }: Pick<NetworkReport, 'epochs'>): boolean {
  return epochs.some(({ layerRates }) => Object.keys(layerRates).length > 0);
}
