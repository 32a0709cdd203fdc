import { describe, expect, it } from 'vitest';
import {
  bestLine,
  type EpochLine,
  epochLine,
  epochRow,
  epochTitles,
  type ResultLine,
  resultText,
} from '../../pipelines/training/epoch-line.ts';

const metrics = (accuracy: number, loss: number) => ({
  samples: 30,
  loss,
  accuracy,
  spikeRate: accuracy / 10,
  layerRates: { lif1: accuracy / 10 },
});

function line(epoch: number, accuracy: number, loss: number): EpochLine {
  const train = metrics(0.5, 1);
  return epochLine({
    model: 'net',
    epoch,
    learningRate: 0.001,
    train,
    validation: metrics(accuracy, loss),
    seconds: 2.00049,
    trainSeconds: 1.5,
  });
}

describe('epochLine', () => {
  it('has the fields of the command line in their order, absent ones absent', () => {
    expect(JSON.stringify(line(1, 0.25, 2))).toBe(
      '{"type":"epoch","model":"net","epoch":1,"learningRate":0.001,"trainLoss":1,"trainAccuracy":0.5,' +
        '"validationLoss":2,"validationAccuracy":0.25,"spikeRate":0.025,"layerRates":{"lif1":0.025},' +
        '"seconds":2,"samplesPerSecond":20}',
    );
  });

  it('takes rates of the last evaluation', () => {
    const parts = {
      model: 'net',
      epoch: 1,
      learningRate: 1,
      train: metrics(0.1, 1),
      seconds: 1,
      trainSeconds: 0,
    };
    expect(epochLine(parts).spikeRate).toBeCloseTo(0.01);
    expect(epochLine({ ...parts, validation: metrics(0.2, 1) }).spikeRate).toBeCloseTo(0.02);
    expect(epochLine({ ...parts, validation: metrics(0.2, 1), test: metrics(0.3, 1) }).spikeRate).toBeCloseTo(
      0.03,
    );
  });
});

describe('resultText', () => {
  const result: ResultLine = {
    type: 'result',
    ...{ model: 'net', testAccuracy: 0.5, bestEpoch: 2, spikeRate: 0.1, parameters: 1234 },
    ...{ effectiveAcs: 1, effectiveMacs: 1, energyPicojoules: 1, seconds: 3, engine: 'wasm' },
    ...{ simulated: false, runDir: 'runs/a' },
  };

  it('leads from recordings to replaying one', () => {
    const text = resultText(result, { images: false, report: true });
    expect(text).toContain('50.0 % of held-out recordings right, from the checkpoint of epoch 2');
    expect(text).toMatch(
      /run directory runs\/a, report runs\/a\/report.html\n {2}next: pipeline replay FILE/,
    );
    const simulated = resultText({ ...result, simulated: true }, { images: false, report: true });
    expect(simulated).toContain('of held-out simulated recordings right');
  });

  it('speaks of no rate where nothing spikes', () => {
    const shown = { images: true, report: false };
    expect(resultText(result, shown)).toContain('  spike rate 10.0 %, 1,234 parameters');
    expect(resultText({ ...result, spikeRate: 0 }, shown)).toContain('  no spikes, 1,234 parameters');
  });

  it('of images speaks of neither', () => {
    const text = resultText(result, { images: true, report: false });
    expect(text).toContain('of held-out images right');
    expect(text).toMatch(/run directory runs\/a\n {2}next: pipeline report runs\/a$/);
    expect(text).not.toMatch(/recording|replay|report\.html/);
  });
});

describe('bestLine', () => {
  it('chooses by held-out loss where it is asked to', () => {
    expect(bestLine([line(1, 0.5, 1), line(2, 0.9, 2), line(3, 0.4, 1)], 'loss')?.epoch).toBe(1);
  });

  it('chooses by held-out accuracy, then loss, then the earlier', () => {
    expect(bestLine([])).toBeUndefined();
    expect(bestLine([line(1, 0.5, 1), line(2, 0.6, 9), line(3, 0.4, 0)])?.epoch).toBe(2);
    expect(bestLine([line(1, 0.5, 1), line(2, 0.5, 0.9), line(3, 0.5, 0.9)])?.epoch).toBe(2);
  });
});

describe('epochRow', () => {
  it('stands below its titles', () => {
    expect(epochRow(line(1, 0.25, 2)).length).toBe(epochTitles().length);
    expect(epochRow(line(1, 0.25, 2))).toMatch(
      /net +1 +0\.0010 +1\.0000 +50\.0 % +25\.0 % +- +2\.5 % +2\.0 +20\.0/,
    );
  });
});
