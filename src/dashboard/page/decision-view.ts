import type { CameraData } from './camera-data.ts';
import { card, element } from './element.ts';
import { percent } from './format.ts';
import { seriesColour } from './theme.ts';

/** Classes that are listed: beyond, the most probable of the moment. */
const MOST_CLASSES = 12;
/** Between two decisions that are read aloud. */
const SPOKEN_MILLIS = 2000;

/** What the network says now: the class in large letters, and every class with its probability. */
export class DecisionView {
  readonly element: HTMLElement;
  readonly #name = element('output', { id: 'decision', class: 'decision' }, '–');
  readonly #detail = element('p', { class: 'quiet', id: 'decision-detail' });
  readonly #spoken = element('p', { class: 'spoken', 'aria-live': 'polite' });
  readonly #rows = element('tbody');
  #spokenMillis = 0;

  constructor() {
    const titles = element(
      'tr',
      {},
      ...['Class', 'Probability'].map((title) => element('th', { scope: 'col' }, title)),
    );
    const table = element(
      'table',
      { class: 'classes' },
      element('thead', { class: 'spoken' }, titles),
      this.#rows,
    );
    this.element = card('Decision', 'decision-card', this.#name, this.#detail, table, this.#spoken);
  }

  show({ head: { classNames }, lastPrediction, decisions }: CameraData): void {
    const decision = decisions.last(0);
    const name = decision === null ? '–' : classNames[decision]!;
    this.#name.textContent = name;
    this.#name.dataset['value'] = String(decision ?? '');
    this.#name.style.color = decision === null ? '' : `var(--series-${decision % 10})`;
    if (lastPrediction === undefined) {
      this.#rows.replaceChildren();
      this.#detail.textContent = 'no window yet';
      return;
    }
    const { probabilities, classIndex, startMicros, endMicros, events } = lastPrediction;
    const smoothed = lastPrediction.decision !== undefined;
    const window = `${Number(((endMicros - startMicros) / 1000).toFixed(1))} ms, ${events.toLocaleString('en')} events`;
    this.#detail.textContent = smoothed ? `this window: ${classNames[classIndex]} · ${window}` : window;
    this.#showClasses(classNames, probabilities);
    this.#speak(name, probabilities[decision ?? classIndex]);
  }

  #showClasses(classNames: readonly string[], probabilities: readonly number[]): void {
    const shown = probabilities.map((probability, index) => ({ probability, index }));
    if (shown.length > MOST_CLASSES) {
      shown.sort((a, b) => b.probability - a.probability).length = MOST_CLASSES;
    }
    while (this.#rows.children.length > shown.length) this.#rows.lastElementChild!.remove();
    while (this.#rows.children.length < shown.length) this.#rows.append(classRow());
    shown.forEach(({ probability, index }, position) => {
      const [title, track, value] = [...this.#rows.children[position]!.children] as HTMLElement[];
      title!.lastElementChild!.textContent = classNames[index]!;
      (title!.firstElementChild as HTMLElement).style.background = seriesColour(index);
      value!.dataset['value'] = String(probability);
      value!.textContent = percent(probability);
      const { style } = track!.firstElementChild as HTMLElement;
      style.background = seriesColour(index);
      style.transform = `scaleX(${probability})`;
    });
  }

  #speak(name: string, probability: number | undefined): void {
    const text = `${name}, ${percent(probability, 0)}`;
    if (performance.now() - this.#spokenMillis < SPOKEN_MILLIS || this.#spoken.dataset['name'] === name)
      return;
    this.#spokenMillis = performance.now();
    this.#spoken.dataset['name'] = name;
    this.#spoken.textContent = text;
  }
}

function classRow(): HTMLElement {
  const track = element('td', { class: 'track', 'aria-hidden': 'true' }, element('span', { class: 'bar' }));
  const title = element('th', { scope: 'row' }, element('i', { class: 'swatch' }), element('span'));
  return element('tr', {}, title, track, element('td', { class: 'number' }));
}
