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
const FITS = 0.5;
const CLEARLY = 0.25;
/** So many datagrams that make no sense, one after another, mean that the protocol is another than was told. */
const MOST_MALFORMED = 64;
/** Bytes of a stream that are looked at to tell its format. */
const HEAD_BYTES = 1 << 16;

/** The protocol of a stream, told or named. */
export interface LiveProtocol {
  readonly name: string;
  /** Name for people. */
  readonly title: string;
  /** False where it was named. */
  readonly detected: boolean;
}

/** What a reception tells besides events. */
export interface ReceptionHooks {
  readonly onRecognised: (protocol: LiveProtocol) => void;
  /** A line for people. */
  readonly onNote: (text: string) => void;
}

/**
 * What arrives by one carrier: it tells the protocol, unless that is named, and gives the bytes to its decoder. Bytes
 * wait, bounded, until the protocol is told.
 */
export class Reception {
  readonly #intake: Intake;
  readonly #carrier: Carrier;
  readonly #options: ProtocolOptions & { readonly protocol?: string };
  readonly #hooks: ReceptionHooks;
  #decoder: LiveDecoder | undefined;
  #undecided: Uint8Array[] = [];
  #head: Uint8Array = new Uint8Array(0);
  #malformedInARow = 0;
  #sizeTold = false;

  constructor(
    intake: Intake,
    carrier: Carrier,
    options: ProtocolOptions & { readonly protocol?: string },
    hooks: ReceptionHooks,
  ) {
    this.#intake = intake;
    this.#carrier = carrier;
    this.#options = options;
    this.#hooks = hooks;
    if (options.protocol !== undefined) this.#recognise(protocolNamed(options.protocol, carrier), false);
  }

  /** A datagram, or a message of a WebSocket. */
  datagram(datagram: Uint8Array): void {
    this.#intake.tally.add('datagrams');
    this.#intake.tally.add('bytes', datagram.length);
    this.#intake.begin(nowMicros());
    const malformed = this.#intake.tally.get('malformed');
    if (this.#decoder !== undefined) this.#decoder.push(datagram);
    else this.#tellDatagrams(datagram);
    if (this.#intake.tally.get('malformed') === malformed) this.#malformedInARow = 0;
    else if (++this.#malformedInARow === MOST_MALFORMED && this.#options.protocol === undefined) {
      this.#decoder = undefined;
    }
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
      this.#noteSize();
    } finally {
      this.#intake.commit();
    }
  }

  /**
   * Some time has passed: what has come may do to tell what a stream is.
   * @param final it must do, for nothing more comes: else a FormatError
   */
  settle(final: boolean): void {
    if (this.#decoder !== undefined || this.#head.length === 0) return;
    this.#intake.begin(nowMicros());
    try {
      this.#tellStream(new Uint8Array(0), true);
    } catch (error) {
      if (final || !(error instanceof FormatError) || this.#decoder !== undefined) throw error;
    } finally {
      this.#intake.commit();
    }
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
    this.#hooks.onRecognised({ name: protocol.name, title: protocol.title, detected });
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
      this.#leave(datagram);
      return;
    }
    this.#undecided.push(new Uint8Array(datagram));
    if (best!.fit >= FITS && best!.fit - next!.fit >= CLEARLY) {
      const decoder = this.#recognise(best!.protocol, true);
      for (const waiting of this.#undecided) decoder.push(waiting);
      this.#undecided = [];
    } else if (this.#undecided.length > MOST_UNDECIDED) {
      this.#leave(this.#undecided.shift()!);
    }
  }

  /** Counts a datagram that could not be told; many of them are worth a line. */
  #leave({ length }: Uint8Array): void {
    this.#intake.tally.add('malformed');
    if (this.#intake.tally.get('malformed') !== MOST_UNDECIDED) return;
    this.#hooks.onNote(
      `the protocol of these datagrams (${length} bytes the last) cannot be told: name it by ?protocol=, and perhaps the size of the sensor by ?sensor=WxH`,
    );
  }

  /** Tells once that the stream says another size of the sensor than it is taken to have. */
  #noteSize(): void {
    const said = this.#decoder?.sensor;
    if (this.#sizeTold || said === undefined) return;
    this.#sizeTold = true;
    const { width, height } = this.#intake.sensor;
    if (said.width === width && said.height === height) return;
    this.#hooks.onNote(
      `the stream says that its sensor is ${said.width}x${said.height}, not ${width}x${height}: ?sensor=${said.width}x${said.height} would take all of it`,
    );
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
