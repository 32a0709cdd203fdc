import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What a peer says of a piece of work. */
export type PeerAnswer =
  | { readonly mode: string; readonly rates: readonly number[]; readonly events: number }
  | { readonly absent: string };

/** Another library in a process of its own, which is asked for speeds line by line. */
export class Peer {
  readonly name: string;
  readonly #process: ChildProcess;
  #answered: ((answer: PeerAnswer) => void) | undefined;
  #ended: string | undefined;

  constructor(name: string, command: string, commandArguments: readonly string[]) {
    this.name = name;
    // What a peer has to say of a file that it cannot read is in its answer.
    this.#process = spawn(command, commandArguments, { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#process.on('error', ({ message }) => this.#close(message));
    this.#process.stdin!.on('error', () => undefined);
    createInterface({ input: this.#process.stdout! })
      .on('line', (line) => this.#answered?.(JSON.parse(line)))
      .on('close', () => this.#close('its process ended'));
  }

  /** Million events a second of each pass of the work, in the peer's fastest mode; one question at a time. */
  ask(words: readonly (string | number)[]): Promise<PeerAnswer> {
    if (this.#ended !== undefined) return Promise.resolve({ absent: this.#ended });
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#process.stdin!.write(`${words.join('\t')}\n`);
    });
  }

  #close(why: string): void {
    this.#ended ??= why;
    this.#answered?.({ absent: this.#ended });
  }

  end(): void {
    this.#process.stdin!.end();
  }
}
