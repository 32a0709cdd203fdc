/** An element with attributes and children; text is text, never markup. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A titled part of the page. */
export function card(title: string, name: string, ...children: readonly (Node | string)[]): HTMLElement {
  return element(
    'section',
    { class: `card ${name}`, 'aria-label': title },
    element('h2', {}, title),
    ...children,
  );
}
