import type { PageMessage, PageRequest } from '../messages.ts';
import { decodePicture, type EventPicture } from '../picture-code.ts';

/** What becomes of the connection. */
export type ConnectionState = 'connecting' | 'live' | 'lost' | 'ended';

/** Who hears what the server says. */
export interface Listener {
  messages(messages: readonly PageMessage[]): void;
  picture(picture: EventPicture): void;
  state(state: ConnectionState): void;
}

const FIRST_RETRY_MILLIS = 500;
const LONGEST_RETRY_MILLIS = 8000;

/** The stream of the server, opened again where it is lost; a run that ended may be followed by another. */
export class Connection {
  readonly #listener: Listener;
  #socket: WebSocket | undefined;
  #retryMillis = FIRST_RETRY_MILLIS;

  constructor(listener: Listener) {
    this.#listener = listener;
    this.#open();
  }

  send(request: PageRequest): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(request));
  }

  #open(): void {
    const url = new URL(`stream${location.search}`, location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => {
      this.#retryMillis = FIRST_RETRY_MILLIS;
      this.#listener.state('live');
    });
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') {
        this.#listener.messages(JSON.parse(data));
        return;
      }
      const picture = decodePicture(new Uint8Array(data));
      if (picture !== undefined) this.#listener.picture(picture);
    });
    socket.addEventListener('close', ({ reason }) => {
      const ended = reason === 'ended';
      this.#listener.state(ended ? 'ended' : 'lost');
      setTimeout(() => this.#open(), ended ? LONGEST_RETRY_MILLIS : this.#retryMillis);
      this.#retryMillis = Math.min(LONGEST_RETRY_MILLIS, 2 * this.#retryMillis);
    });
  }
}
