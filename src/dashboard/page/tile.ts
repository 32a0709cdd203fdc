import { Chart } from './chart.ts';
import type { Columns } from './columns.ts';
import { element } from './element.ts';
import { colour } from './theme.ts';

/** A number with its recent past as a small curve. */
export class Tile {
  readonly element: HTMLElement;
  readonly #value: HTMLElement;
  readonly #note: HTMLElement;
  readonly #chart: Chart;

  constructor(title: string, name: string) {
    this.#value = element('output', { id: `tile-${name}` });
    this.#note = element('small');
    const curve = element('div', { class: 'spark' });
    this.element = element(
      'section',
      { class: 'card tile' },
      element('h2', {}, title),
      this.#value,
      this.#note,
      curve,
    );
    const line = { label: title, stroke: () => colour('heat'), width: 1.5 };
    this.#chart = new Chart(curve, { title, lines: [line], format: String, height: 36, bare: true });
    curve.setAttribute('aria-hidden', 'true');
  }

  /** @param value the number as it came, for those who read it by program */
  show(text: string, value: number | null | undefined, note = ''): void {
    this.#value.textContent = text;
    this.#value.dataset['value'] = String(value ?? '');
    this.#note.textContent = note;
  }

  /** Draws the past: x and one column of the columns. */
  curve({ data }: Columns, column: number): void {
    this.#chart.show([data[0]!, data[column]!]);
  }
}
