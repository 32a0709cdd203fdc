import { element } from './element.ts';

/** One of several names: radio buttons, hidden while there is nothing to choose. */
export class Choice {
  readonly element: HTMLFieldSetElement;
  readonly #chosen: (index: number) => void;
  #names: readonly string[] = [];

  constructor(chosen: (index: number) => void) {
    this.#chosen = chosen;
    this.element = element('fieldset', { class: 'choice', hidden: '' });
  }

  /** Offers these names; does nothing where they are the same. */
  offer(title: string, names: readonly string[], chosen: number): void {
    if (names.length === this.#names.length && names.every((name, index) => name === this.#names[index])) {
      return;
    }
    this.#names = [...names];
    const labels = names.map((name, index) => {
      const input = element('input', { type: 'radio', name: title });
      input.checked = index === chosen;
      input.addEventListener('change', () => this.#chosen(index));
      return element('label', {}, input, element('span', {}, name));
    });
    this.element.replaceChildren(element('legend', { class: 'spoken' }, title), ...labels);
    this.element.hidden = names.length < 2;
  }
}
