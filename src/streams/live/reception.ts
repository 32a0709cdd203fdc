import { FormatError } from '../../errors.ts';
import { detectFormat, type EventFormat, sequentialFormats } from '../formats/index.ts';
import type { Intake } from './intake.ts';
import {
  type Carrier,
  type LiveDecoder,
  type Protocol,
  type ProtocolOptions,
  protocolNamed,
  protocolsOf,
} from './protocols/index.ts';
import { recordingProtocol } from './protocols/recording.ts';

/** Datagrams that are looked at to tell a protocol, and the most that wait meanwhile. */
const MOST_UNDECIDED = 16;
/** A protocol is told when it fits this well, and the next best by this much less. */
const FITS = 0.75;
const CLEARLY = 0.25;
/** Bytes of a stream that are looked at to tell its format. */
const HEAD_BYTES = 1 << 16;

/** What a stream is, once it is known. */
export interface Recognised {
  readonly protocol: Protocol;
  /** False where it was named. */
  readonly detected: boolean;
}

/**
 * What arrives by one carrier: it tells the protocol, unless that is named, and gives the bytes to its decoder. Bytes
 * wait, bounded, until the protocol is told.
 */
export class Reception {
  readonly #intake: Intake;
  readonly #carrier: Carrier;
  readonly #options: ProtocolOptions & { readonly protocol?: string };
  readonly #onRecognised: (recognised: Recognised) => void;
  #decoder: LiveDecoder | undefined;
  #undecided: Uint8Array[] = [];
  #head: Uint8Array = new Uint8Array(0);

  constructor(
    intake: Intake,
    carrier: Carrier,
    options: ProtocolOptions & { readonly protocol?: string },
    onRecognised: (recognised: Recognised) => void,
  ) {
    this.#intake = intake;
    this.#carrier = carrier;
    this.#options = options;
    this.#onRecognised = onRecognised;
    if (options.protocol !== undefined) this.#recognise(protocolNamed(options.protocol, carrier), false);
  }

  /** Size of the sensor as the stream says it. */
  get sensor(): LiveDecoder['sensor'] {
    return this.#decoder?.sensor;
  }

  /** A datagram, or a message of a WebSocket. */
  datagram(datagram: Uint8Array): void {
    this.#intake.tally.add('datagrams');
    this.#intake.tally.add('bytes', datagram.length);
    this.#intake.begin(nowMicros());
    if (this.#decoder !== undefined) this.#decoder.push(datagram);
    else this.#tellDatagrams(datagram);
    this.#intake.commit();
  }

  /**
   * Bytes of a stream; a FormatError where it cannot be followed any further.
   * @param block may be used again afterwards
   */
  bytes(block: Uint8Array): void {
    this.#intake.tally.add('bytes', block.length);
    this.#intake.begin(nowMicros());
    try {
      if (this.#decoder !== undefined) this.#decoder.push(block);
      else this.#tellStream(block, false);
    } finally {
      this.#intake.commit();
    }
  }

  /** Enough time has passed for a stream to have begun: what has come must do to tell what it is. */
  settle(): void {
    if (this.#decoder !== undefined || this.#head.length === 0) return;
    this.#intake.begin(nowMicros());
    try {
      this.#tellStream(new Uint8Array(0), true);
    } finally {
      this.#intake.commit();
    }
  }

  /** Whether bytes wait for their protocol to be told. */
  get undecided(): boolean {
    return this.#decoder === undefined && this.#head.length > 0;
  }

  /** A connection or sender is gone; the next one's clock is joined to this one's, and a stream's protocol told anew. */
  restart(): void {
    this.#intake.begin(nowMicros());
    this.#decoder?.restart();
    if (this.#carrier === 'bytes' && this.#options.protocol === undefined) this.#decoder = undefined;
    this.#head = new Uint8Array(0);
    this.#intake.join();
    this.#intake.commit();
  }

  #recognise(protocol: Protocol, detected: boolean): LiveDecoder {
    this.#decoder = protocol.createDecoder(this.#intake, this.#carrier, this.#options);
    this.#onRecognised({ protocol, detected });
    return this.#decoder;
  }

  /** Waits for more datagrams where none of those that came fits one protocol clearly better than the others. */
  #tellDatagrams(datagram: Uint8Array): void {
    const fitting = protocolsOf('datagrams').map((protocol) => ({
      protocol,
      fit: protocol.fitsDatagram?.(datagram, this.#options) ?? 0,
    }));
    const [best, next] = fitting.sort((a, b) => b.fit - a.fit);
    if (best!.fit === 0) {
      this.#intake.tally.add('malformed');
      return;
    }
    this.#undecided.push(new Uint8Array(datagram));
    if (best!.fit >= FITS && best!.fit - next!.fit >= CLEARLY) {
      const decoder = this.#recognise(best!.protocol, true);
      for (const waiting of this.#undecided) decoder.push(waiting);
      this.#undecided = [];
    } else if (this.#undecided.length > MOST_UNDECIDED) {
      this.#undecided.shift();
      this.#intake.tally.add('malformed');
    }
  }

  #tellStream(block: Uint8Array, settled: boolean): void {
    this.#head = Buffer.concat([this.#head, block]);
    const protocol = this.#protocolOf(this.#head, settled || this.#head.length >= HEAD_BYTES);
    if (protocol === undefined) return;
    const head = this.#head;
    this.#head = new Uint8Array(0);
    this.#recognise(protocol, true).push(head);
  }

  #protocolOf(head: Uint8Array, enough: boolean): Protocol | undefined {
    const found = protocolsOf('bytes').find(({ startsStream }) => startsStream?.(head) === true);
    if (found !== undefined || !enough) return found;
    const format = detectFormat(head.subarray(0, HEAD_BYTES), undefined);
    const sequential = sequentialFormats.find((known): known is EventFormat => known === format);
    if (sequential === undefined) {
      throw new FormatError(`${format.title} is read by jumps, which a stream cannot make; give a file`);
    }
    return recordingProtocol(sequential);
  }
}

/** Microseconds since 1970, on a clock that never goes back and is the same on every thread. */
export function nowMicros(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}
