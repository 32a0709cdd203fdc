import { element } from './element.ts';

/** One of several names: radio buttons, hidden while there is nothing to choose. */
export class Choice {
  readonly element: HTMLFieldSetElement;
  readonly #chosen: (index: number) => void;
  #names: readonly string[] = [];
  #inputs: readonly HTMLInputElement[] = [];

  constructor(chosen: (index: number) => void) {
    this.#chosen = chosen;
    this.element = element('fieldset', { class: 'choice', hidden: '' });
  }

  /** Offers these names, and marks the one that is chosen. */
  offer(title: string, names: readonly string[], chosen: number): void {
    if (names.join('\n') !== this.#names.join('\n')) this.#build(title, names);
    for (const [index, input] of this.#inputs.entries()) input.checked = index === chosen;
  }

  #build(title: string, names: readonly string[]): void {
    this.#names = names;
    this.#inputs = names.map(() => element('input', { type: 'radio', name: title }));
    const labels = this.#inputs.map((input, index) => {
      input.addEventListener('change', () => this.#chosen(index));
      return element('label', {}, input, element('span', {}, names[index]!));
    });
    this.element.replaceChildren(element('legend', { class: 'spoken' }, title), ...labels);
    this.element.hidden = names.length < 2;
  }
}
