import type { PageMessage, PageRequest } from '../messages.ts';
import type { EventPicture } from '../picture-code.ts';

/** What fills the page below its head. */
export interface Page {
  readonly element: HTMLElement;
  /** Forgets all: the history follows. */
  reset(): void;
  take(message: PageMessage): void;
  picture?(picture: EventPicture): void;
  /** Shows another of what is offered. */
  select(index: number): void;
  /** Draws what it knows. */
  render(): void;
  /** Stands still, or goes on. */
  paused?: boolean;
}

/** What a page may ask of what is around it. */
export interface PageFrame {
  send(request: PageRequest): void;
  /** Offers what `select` chooses from. */
  offer(title: string, names: readonly string[], chosen: number): void;
  /** What stands under the title. */
  facts(facts: readonly string[]): void;
}
