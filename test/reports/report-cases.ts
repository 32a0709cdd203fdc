import type { NetworkReport, Report } from '../../src/reports/report-data.ts';

/** A network that was trained for some epochs, with numbers of no meaning. */
export function networkReport(label: string, epochs: number, classes = 3): NetworkReport {
  const lines = Array.from({ length: epochs }, (_, index) => ({
    epoch: index + 1,
    trainLoss: 2 / (index + 1),
    trainAccuracy: 0.5 + index / 100,
    testLoss: 2.2 / (index + 1),
    testAccuracy: 0.45 + index / 100,
    spikeRate: 0.08,
    layerRates: { lif1: 0.05 + index / 1000, lif2: 0.1 },
    seconds: 61.5,
    ...(label === 'lyapunov' && {
      trainQuantities: { 'lambda (perturbation)': 0.02 },
      quantities: { 'lambda (perturbation)': 0.01, 'lambda (tangent)': -0.1 },
    }),
  }));
  if (epochs === 0) return { label, classNames: [], epochs: [] };
  return {
    label,
    classNames: Array.from({ length: classes }, (_, index) => `class ${index}`),
    epochs: lines,
    measures: {
      epoch: epochs,
      part: 'test',
      accuracy: 0.45,
      spikeRate: 0.08,
      parameters: 1_234_567,
      ruleOfThumbRatio: 0.031,
      ...(label === 'lyapunov' && { quantities: { 'lambda (tangent)': -0.1 } }),
      confusion: Array.from({ length: classes }, (_, row) =>
        Array.from({ length: classes }, (_, column) => (row === column ? 7 : column === row + 1 ? 2 : 0)),
      ),
      work: {
        samples: 16,
        layers: [
          { layer: 'convolution1', binary: false, effective: 1000, dense: 40_000 },
          { layer: 'readout', binary: true, effective: 0, dense: 300 },
        ],
        effectiveAcs: 0,
        effectiveMacs: 1000,
        dense: 40_300,
        footprintBytes: 4_938_268,
        connectionSparsity: 0,
        activationSparsity: 0.92,
        spiking: true,
        energyPicojoules: 4600,
        densePicojoules: 185_380,
      },
      raster: {
        id: 'test/1',
        label: 0,
        layers: [
          {
            layer: 'lif1',
            steps: 3,
            neurons: 2048,
            active: 2,
            spikes: [[0, 2], [1]],
            potentials: [
              [0.5, 1.25, -2],
              [0, 0, 1.5],
            ],
            threshold: 1,
          },
          { layer: 'lif2', steps: 2, neurons: 10, active: 0, spikes: [], potentials: [] },
        ],
      },
    },
  };
}

/** A report of these networks. */
export function reportWith(networks: readonly NetworkReport[]): Report {
  return {
    title: 'a run',
    facts: [
      ['data', 'N-MNIST'],
      ['seed', '42'],
    ],
    notes: [],
    networks,
  };
}
