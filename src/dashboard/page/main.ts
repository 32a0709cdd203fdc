import type { HelloMessage, PageMessage } from '../messages.ts';
import { Choice } from './choice.ts';
import { Connection, type ConnectionState } from './connection.ts';
import { element } from './element.ts';
import { LivePage } from './live-page.ts';
import type { Page } from './page.ts';
import { themeButton } from './theme.ts';
import { TrainingPage } from './training-page.ts';

/** Curves and numbers are drawn ten times a second at most; pictures have a pace of their own. */
const RENDER_MILLIS = 100;

const states: Readonly<Record<ConnectionState, string>> = {
  connecting: 'connecting',
  live: 'live',
  lost: 'connection lost, trying again',
  ended: 'the run has ended',
};

const title = element('h1', {}, 'rxspike');
const facts = element('p', { class: 'quiet', id: 'facts' });
const state = element('p', { class: 'state', id: 'state', role: 'status' }, states.connecting);
const pause = element('button', { type: 'button', id: 'pause', 'aria-pressed': 'false' }, 'Pause');
const choice = new Choice((index) => {
  page?.select(index);
  changed();
});
const body = element('div');
let page: Page | undefined;
let paused = false;
let waiting = false;

document.body.append(
  element(
    'header',
    {},
    element('div', { class: 'head' }, title, facts),
    choice.element,
    element('div', { class: 'tools' }, state, pause, themeButton()),
  ),
  body,
);

pause.addEventListener('click', () => {
  paused = !paused;
  pause.setAttribute('aria-pressed', String(paused));
  pause.textContent = paused ? 'Go on' : 'Pause';
  if (page !== undefined && 'paused' in page) page.paused = paused;
  changed();
});

const connection = new Connection({
  messages: (messages) => {
    for (const message of messages) take(message);
    changed();
  },
  picture: (picture) => {
    if (!paused) page?.picture?.(picture);
  },
  state: (now) => {
    state.textContent = states[now];
    state.dataset['state'] = now;
  },
});

function take(message: PageMessage): void {
  if (message.type === 'hello') begin(message);
  else page?.take(message);
}

/** The server tells all anew: the page stays as it is where it is of the same kind. */
function begin({ kind, title: text }: HelloMessage): void {
  title.textContent = text;
  document.title = `${text} · rxspike`;
  if (page === undefined || page.element.className !== kind) {
    const frame = {
      send: connection.send.bind(connection),
      offer: choice.offer.bind(choice),
      facts: (texts: readonly string[]) => {
        facts.textContent = texts.join(' · ');
      },
    };
    page = kind === 'live' ? new LivePage(frame) : new TrainingPage(frame);
    body.replaceChildren(page.element);
  }
  page.reset();
}

function changed(): void {
  if (waiting || paused) return;
  waiting = true;
  setTimeout(() => {
    requestAnimationFrame(() => {
      waiting = false;
      if (!paused) page?.render();
    });
  }, RENDER_MILLIS);
}
