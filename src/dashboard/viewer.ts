import type { WebSocket } from 'ws';
import type { PageRequest } from './messages.ts';

/** Bytes that wait for a browser: beyond, messages are not sent to it, and it gets the history when they are gone. */
const MOST_WAITING_BYTES = 256 * 1024;
/** Pictures that a page has been sent and not yet shown. */
const MOST_PICTURES = 2;
const PING_MILLIS = 10_000;
/** Pings in a row without an answer after which a browser is let go. */
const MOST_UNANSWERED = 3;

/** What a tick has for every viewer; each part is made when the first viewer asks for it. */
export interface Tick {
  readonly atMillis: number;
  /** New messages; undefined where there are none. */
  messages(): string | undefined;
  /** All that is kept. */
  history(): string;
  /** The picture of a camera since the last tick; undefined where nothing was drawn. */
  picture(camera: number): Uint8Array | undefined;
}

/** A page in a browser, which is never waited for: what it cannot take in time it does not get. */
export class Viewer {
  /** Index of the camera whose pictures it shows. */
  watch: number | null = 0;
  readonly #socket: WebSocket;
  #behind = true;
  #pictures = 0;
  #unanswered = 0;
  #pingedMillis: number;

  constructor(socket: WebSocket, nowMillis: number) {
    this.#socket = socket;
    this.#pingedMillis = nowMillis;
    socket.on('pong', () => {
      this.#unanswered = 0;
    });
  }

  /** Bytes that wait for it in this process. */
  get waitingBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Whether a picture would be sent to it now. */
  get wantsPicture(): boolean {
    return this.#pictures < MOST_PICTURES && !this.#behind && this.waitingBytes === 0;
  }

  /** It has missed messages, and gets the history in their place. */
  fallBehind(): void {
    this.#behind = true;
  }

  /** Takes what the page tells; what no page of ours would tell ends the connection. */
  hear(text: string): void {
    const request = parseRequest(text);
    if (request === undefined) {
      this.#socket.close(1008);
      return;
    }
    if (request.watch !== undefined) {
      this.watch = request.watch;
      this.#pictures = 0;
    }
    if (request.shown === true && this.#pictures > 0) this.#pictures--;
  }

  /** Sends what it can take. */
  send(tick: Tick): void {
    const wants = this.wantsPicture; // before the messages, which wait for a turn of the loop themselves
    if (this.waitingBytes > MOST_WAITING_BYTES) this.#behind = true;
    else if (!this.#behind) this.#text(tick.messages());
    else if (this.waitingBytes === 0) {
      this.#behind = false;
      this.#text(tick.history());
    }
    const picture = wants && this.watch !== null ? tick.picture(this.watch) : undefined;
    if (picture !== undefined) {
      this.#pictures++;
      this.#socket.send(picture, { binary: true });
    }
    this.#watchOver(tick.atMillis);
  }

  /** Says good-bye: there is nothing more to come. */
  close(): void {
    this.#socket.close(1000, 'ended');
  }

  #text(text: string | undefined): void {
    if (text !== undefined) this.#socket.send(text);
  }

  #watchOver(nowMillis: number): void {
    if (nowMillis - this.#pingedMillis < PING_MILLIS) return;
    this.#pingedMillis = nowMillis;
    if (this.#unanswered++ < MOST_UNANSWERED) this.#socket.ping();
    else this.#socket.terminate();
  }
}

function parseRequest(text: string): PageRequest | undefined {
  try {
    const request: unknown = JSON.parse(text);
    if (typeof request !== 'object' || request === null) return undefined;
    const { watch, shown } = request as Record<string, unknown>;
    const known =
      watch === undefined || watch === null || (Number.isSafeInteger(watch) && Number(watch) >= 0);
    return known && (shown === undefined || shown === true) ? (request as PageRequest) : undefined;
  } catch {
    return undefined;
  }
}
