import type { EpochMessage, PageMessage } from '../messages.ts';
import { Chart, type Line } from './chart.ts';
import { Columns } from './columns.ts';
import { card, element } from './element.ts';
import { EpochTable } from './epoch-table.ts';
import { bytes, count, decimal, decimalTick, duration, percent, percentTick } from './format.ts';
import type { Page, PageFrame } from './page.ts';
import { seriesColour } from './theme.ts';
import { Tile } from './tile.ts';
import { heldOut, type ModelData, RunData } from './training-data.ts';

type Value = (epoch: EpochMessage) => number | undefined;

/** A line of every epoch. */
interface EpochLine {
  readonly label: string;
  readonly value: Value;
}

const losses: readonly EpochLine[] = [
  { label: 'training', value: ({ trainLoss }) => trainLoss },
  { label: 'validation', value: ({ validationLoss }) => validationLoss },
  { label: 'test', value: ({ testLoss }) => testLoss },
];
const accuracies: readonly EpochLine[] = [
  { label: 'training', value: ({ trainAccuracy }) => trainAccuracy },
  { label: 'validation', value: ({ validationAccuracy }) => validationAccuracy },
  { label: 'test', value: ({ testAccuracy }) => testAccuracy },
];

/** The curves of a training as it goes on. */
export class TrainingPage implements Page {
  readonly element: HTMLElement;
  readonly #frame: PageFrame;
  readonly #tiles = {
    epoch: new Tile('Epoch', 'epoch'),
    loss: new Tile('Loss', 'loss'),
    accuracy: new Tile('Accuracy', 'accuracy'),
    spikes: new Tile('Spike rate', 'spikes'),
    speed: new Tile('Samples a second', 'speed'),
    memory: new Tile('Memory', 'memory'),
  };
  readonly #hosts = ['Loss', 'Accuracy', 'Loss of each batch', 'Spike rate by layer'].map((title) => ({
    title,
    host: element('div', { class: 'chart' }),
  }));
  readonly #table = new EpochTable();
  readonly #note = element('p', { class: 'quiet', id: 'note', role: 'status' });
  #charts: { readonly key: string; readonly all: readonly Chart[] } | undefined;
  #run = new RunData();
  #selected = 0;
  /** Whether a reader chose the network that is shown; until then it is the one in training. */
  #chosen = false;

  constructor(frame: PageFrame) {
    this.#frame = frame;
    this.element = element(
      'main',
      { class: 'training' },
      element('div', { class: 'tiles' }, ...Object.values(this.#tiles).map((tile) => tile.element)),
      ...this.#hosts.map(({ title, host }) => card(title, 'curve', host)),
      this.#table.element,
      this.#note,
    );
  }

  reset(): void {
    this.#run = new RunData();
  }

  take(message: PageMessage): void {
    const run = this.#run;
    switch (message.type) {
      case 'training':
        run.planned(message);
        this.#frame.facts([
          ...message.facts.map(([name, value]) => `${name} ${value}`),
          ...(message.simulated === true ? ['simulated recordings'] : []),
        ]);
        return;
      case 'step':
        run.model(message.model).stepped(message);
        if (!this.#chosen) this.#selected = [...run.models.keys()].indexOf(message.model);
        return;
      case 'epoch':
        run.model(message.model).ended(message);
        return;
      case 'memory':
        run.measured(message);
        return;
      case 'note':
        this.#note.textContent = message.text;
        return;
    }
  }

  select(index: number): void {
    this.#selected = index;
    this.#chosen = true;
  }

  render(): void {
    const names = [...this.#run.models.keys()];
    this.#frame.offer('Network', names, this.#selected);
    const name = names[this.#selected];
    if (name === undefined) return;
    const model = this.#run.model(name);
    const steps = model.steps();
    this.#showTiles(model, steps);
    this.#showCurves(model, steps);
    this.#table.show(model.epochs);
  }

  #showTiles({ epochs, lastStep, best }: ModelData, steps: Columns): void {
    const { epoch, loss, accuracy, spikes, speed, memory } = this.#tiles;
    const last = epochs.at(-1);
    const planned = this.#run.plan?.epochs;
    const now = lastStep?.epoch ?? last?.epoch;
    const batch =
      lastStep === undefined ? '' : `${lastStep.part}, batch ${lastStep.batch} of ${lastStep.batches}`;
    epoch.show(`${now ?? '–'} of ${planned ?? '–'}`, now, batch);
    const lossNow = steps.last(1) ?? last?.trainLoss;
    loss.show(
      decimal(lossNow),
      lossNow,
      last === undefined ? 'of a batch' : `epoch ${last.epoch}: ${decimal(last.trainLoss)}`,
    );
    const held = last === undefined ? undefined : heldOut(last);
    const accuracyNow = held ?? steps.last(2);
    accuracy.show(
      percent(accuracyNow),
      accuracyNow,
      best === undefined ? 'of a training batch' : `best ${percent(heldOut(best))}, epoch ${best.epoch}`,
    );
    const rate = last?.spikeRate ?? steps.last(3);
    spikes.show(percent(rate), rate, 'of all neurons and steps');
    const left =
      planned === undefined || last === undefined ? undefined : (planned - last.epoch) * last.seconds;
    speed.show(
      count(last?.samplesPerSecond),
      last?.samplesPerSecond,
      left === undefined ? '' : left > 0 ? `about ${duration(left)} left` : 'done',
    );
    const resident = this.#run.memory.last(1);
    memory.show(bytes(resident), resident, 'of the process');
    epoch.curve(steps, 0);
    loss.curve(steps, 1);
    spikes.curve(steps, 3);
    memory.curve(this.#run.memory, 1);
    const perEpoch = new Columns(3);
    for (const line of epochs) perEpoch.push([line.epoch, heldOut(line), line.samplesPerSecond]);
    accuracy.curve(perEpoch, 1);
    speed.curve(perEpoch, 2);
  }

  #showCurves(model: ModelData, steps: Columns): void {
    const { epochs } = model;
    const layers = Object.keys(epochs.at(-1)?.layerRates ?? {});
    const present = (lines: readonly EpochLine[]): EpochLine[] =>
      lines.filter(({ value }, index) => index === 0 || epochs.some((epoch) => value(epoch) !== undefined));
    const [lossLines, accuracyLines] = [present(losses), present(accuracies)];
    const charts = this.#chartsFor([lossLines, accuracyLines], layers);
    const [loss, accuracy, batches, rates] = charts as [Chart, Chart, Chart, Chart];
    loss.show(model.columns(...lossLines.map(({ value }) => value)).data);
    accuracy.show(model.columns(...accuracyLines.map(({ value }) => value)).data);
    batches.show(steps.data.slice(0, 2));
    rates.show(
      model.columns(
        ...layers.map(
          (layer): Value =>
            ({ layerRates }) =>
              layerRates[layer],
        ),
      ).data,
    );
    const last = epochs.at(-1);
    if (last === undefined) return;
    const said = (lines: readonly EpochLine[], format: (value: number | undefined) => string): string =>
      lines.map(({ label, value }) => `${label} ${format(value(last))}`).join(', ');
    loss.describe(`Loss over ${epochs.length} epochs; last ${said(lossLines, decimal)}`);
    accuracy.describe(`Accuracy over ${epochs.length} epochs; last ${said(accuracyLines, percent)}`);
    batches.describe(`Loss of ${steps.length} training batches; last ${decimal(steps.last(1))}`);
    const now = layers.map((layer) => `${layer} ${percent(last.layerRates[layer])}`);
    rates.describe(`Spike rate by layer over epochs; last ${now.join(', ')}`);
  }

  /** The charts, made anew when there are other lines. */
  #chartsFor(lines: readonly (readonly EpochLine[])[], layers: readonly string[]): readonly Chart[] {
    const key = JSON.stringify([lines.map((each) => each.map(({ label }) => label)), layers]);
    if (this.#charts?.key === key) return this.#charts.all;
    const series = (labels: readonly string[]): Line[] =>
      labels.map((label, index) => ({ label, stroke: () => seriesColour(index), width: 2, points: true }));
    const common = { formatX: epochText, whole: true, height: 230 };
    const loss = { format: (value: number | null) => decimal(value), formatTick: decimalTick };
    const share = { format: (value: number | null) => percent(value), formatTick: percentTick };
    const lineSets: readonly (readonly Line[])[] = [
      ...lines.map((each) => series(each.map(({ label }) => label))),
      [{ label: 'training', stroke: () => seriesColour(0), width: 1 }],
      series(layers),
    ];
    const all = this.#hosts.map(({ title, host }, index) => {
      host.replaceChildren();
      return new Chart(host, {
        ...common,
        ...(index % 2 === 0 ? loss : share),
        title,
        lines: lineSets[index]!,
      });
    });
    this.#charts = { key, all };
    return all;
  }
}

function epochText(value: number): string {
  return String(Number(value.toFixed(2)));
}
