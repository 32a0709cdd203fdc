import { element } from './element.ts';

const KEY = 'rxspike-theme';
const dark = matchMedia('(prefers-color-scheme: dark)');
const listeners: (() => void)[] = [];

/** Calls back when colours change. */
export function onThemeChange(listener: () => void): void {
  listeners.push(listener);
}

/** A colour of the present theme, by the name of its custom property. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** The colour of the n-th of several things. */
export function seriesColour(index: number): string {
  return colour(`series-${index % 10}`);
}

/** A part of one `#rrggbb` on another. */
export function blended(over: string, under: string, share: number): string {
  const [from, to] = [channels(under), channels(over)];
  return `rgb(${from.map((value, index) => Math.round(value + share * (to[index]! - value))).join(' ')})`;
}

/** Red, green and blue of `#rrggbb`. */
export function channels(hex: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

/** Whether the reader asked for little motion. */
export function prefersStillness(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

/** The button that turns the page dark or light; until it is pressed the page follows the reader's preference. */
export function themeButton(): HTMLButtonElement {
  const button = element('button', { type: 'button', class: 'icon' });
  const show = (): void => {
    const theme = localStorage.getItem(KEY) ?? (dark.matches ? 'dark' : 'light');
    document.documentElement.dataset['theme'] = theme;
    const other = theme === 'dark' ? 'light' : 'dark';
    button.textContent = theme === 'dark' ? '☀' : '☾';
    button.setAttribute('aria-label', `Show the page in ${other} colours`);
    button.title = `Show the page in ${other} colours`;
    for (const listener of listeners) listener();
  };
  button.addEventListener('click', () => {
    const now = document.documentElement.dataset['theme'];
    localStorage.setItem(KEY, now === 'dark' ? 'light' : 'dark');
    show();
  });
  dark.addEventListener('change', show);
  show();
  return button;
}
