import type { Tally } from '../tally.ts';

/** Numbers that are remembered, to tell a late datagram from one that came twice. */
const WINDOW = 1024;
/** A number further ahead than this means another sender. */
const FARTHEST_GAP = 2 ** 20;
/** So many numbers from before, one after another, mean that the sender has begun again. */
const MOST_LATE = 32;

/**
 * Follows the sequence numbers of datagrams: what is missing is counted as lost, what comes after its successor as late
 * (and no longer as lost), what comes twice as a duplicate.
 */
export class SequenceNumbers {
  readonly #tally: Tally;
  readonly #seen = new Float64Array(WINDOW).fill(-1);
  #next: number | undefined;
  #lateInARow = 0;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  /** Takes the number of a datagram; gives false for a duplicate, whose events are not to be taken. */
  take(number: number): boolean {
    const place = number % WINDOW;
    const ahead = this.#next === undefined ? 0 : number - this.#next;
    if (ahead < 0 && -ahead <= WINDOW && ++this.#lateInARow < MOST_LATE) {
      if (this.#seen[place] === number) {
        this.#tally.add('duplicates');
        return false;
      }
      this.#tally.add('late');
      this.#tally.add('lost', -1);
      this.#seen[place] = number;
      return true;
    }
    if (ahead < 0 || ahead > FARTHEST_GAP) this.restart();
    else this.#tally.add('lost', ahead);
    this.#lateInARow = 0;
    this.#seen[place] = number;
    this.#next = number + 1;
    return true;
  }

  /** Another sender comes. */
  restart(): void {
    this.#seen.fill(-1);
    this.#next = undefined;
    this.#lateInARow = 0;
  }
}
