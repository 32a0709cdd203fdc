import type { EpochMessage } from '../messages.ts';
import { element } from './element.ts';
import { decimal, percent } from './format.ts';

/** Epochs that are listed. */
const MOST_ROWS = 200;

const columns: readonly { readonly title: string; cell(epoch: EpochMessage): string }[] = [
  { title: 'epoch', cell: ({ epoch }) => String(epoch) },
  { title: 'training loss', cell: ({ trainLoss }) => decimal(trainLoss, 4) },
  { title: 'training', cell: ({ trainAccuracy }) => percent(trainAccuracy, 2) },
  { title: 'validation loss', cell: ({ validationLoss }) => decimal(validationLoss, 4) },
  { title: 'validation', cell: ({ validationAccuracy }) => percent(validationAccuracy, 2) },
  { title: 'test loss', cell: ({ testLoss }) => decimal(testLoss, 4) },
  { title: 'test', cell: ({ testAccuracy }) => percent(testAccuracy, 2) },
  { title: 'spike rate', cell: ({ spikeRate }) => percent(spikeRate, 2) },
  { title: 'learning rate', cell: ({ learningRate }) => learningRate.toPrecision(3) },
  { title: 'seconds', cell: ({ seconds }) => seconds.toFixed(1) },
];

/** The numbers of the epochs, folded away: what the curves show, for those who do not see them. */
export class EpochTable {
  readonly element: HTMLDetailsElement;
  readonly #rows = element('tbody');
  #shown: EpochMessage | undefined;

  constructor() {
    const titles = element('tr', {}, ...columns.map(({ title }) => element('th', { scope: 'col' }, title)));
    const table = element('table', { id: 'epochs' }, element('thead', {}, titles), this.#rows);
    const scroll = element(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Numbers of the epochs' },
      table,
    );
    this.element = element(
      'details',
      { class: 'card' },
      element('summary', {}, 'Numbers of the epochs'),
      scroll,
    );
  }

  show(epochs: readonly EpochMessage[]): void {
    const last = epochs.at(-1);
    if (last === this.#shown) return;
    this.#shown = last;
    const rows = epochs
      .slice(-MOST_ROWS)
      .map((epoch) => element('tr', {}, ...columns.map(({ cell }) => element('td', {}, cell(epoch)))));
    this.#rows.replaceChildren(...rows);
  }
}
