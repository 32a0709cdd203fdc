import { FormatError, OptionError } from '../../../errors.ts';
import type { EventChunk } from '../../../events.ts';
import type { EventFormat } from '../../formats/format.ts';
import type { Intake } from '../intake.ts';
import type { LiveDecoder, Protocol } from './protocol.ts';

/** Any file format that is decoded from front to back, as it comes: what has been decoded is handed on at once. */
export class RecordingDecoder implements LiveDecoder {
  readonly #intake: Intake;
  readonly #format: EventFormat;
  readonly #head: Uint8Array | undefined;
  #decoder: ReturnType<EventFormat['createDecoder']>;
  #outOfRange = 0;
  #skipped = 0;
  #backward = 0;
  #begun = false;

  /** @param head bytes that a file has before those of the stream */
  constructor(intake: Intake, format: EventFormat, head?: Uint8Array) {
    this.#intake = intake;
    this.#format = format;
    this.#head = head;
    this.#decoder = this.#create();
  }

  /** As the stream says, where it does. */
  get sensor(): LiveDecoder['sensor'] {
    return this.#decoder.sensor;
  }

  push(block: Uint8Array): void {
    this.#begun = true;
    try {
      this.#decoder.push(block, this.#take);
      this.#decoder.handOn(this.#take);
    } finally {
      this.#count();
    }
  }

  /** The stream is over; a FormatError where it ends within something. */
  end(): void {
    if (!this.#begun) return;
    this.#begun = false;
    try {
      this.#decoder.end(this.#take);
    } finally {
      this.#count();
      this.#decoder = this.#create();
    }
  }

  restart(): void {
    try {
      this.end();
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#intake.tally.add('malformed');
    }
  }

  readonly #take = this.#takeChunk.bind(this);

  #takeChunk(chunk: EventChunk): void {
    if (this.#decoder.sensor !== undefined) this.#intake.adopt(this.#decoder.sensor);
    this.#intake.chunk(chunk);
  }

  /** Events outside the sensor are dropped by the intake, whatever size the stream says. */
  #create(): ReturnType<EventFormat['createDecoder']> {
    this.#outOfRange = 0;
    this.#skipped = 0;
    this.#backward = 0;
    const decoder = this.#format.createDecoder({ restarts: true });
    if (this.#head !== undefined) decoder.push(this.#head, () => undefined);
    return decoder;
  }

  #count(): void {
    const { outOfRange, skipped, backward } = this.#decoder.counters;
    this.#intake.countOutOfRange(outOfRange - this.#outOfRange);
    this.#intake.tally.add('skipped', skipped - this.#skipped);
    this.#intake.countBackward(backward - this.#backward);
    this.#outOfRange = outOfRange;
    this.#skipped = skipped;
    this.#backward = backward;
  }
}

/** Bytes that tell one format from another whose name begins in the same way: `EVT2`, `EVT21`. */
const TELLING_BYTES = 512;

/** A file format as a protocol: a recording that is still being written comes through a pipe or a socket. */
export function recordingProtocol(format: EventFormat): Protocol {
  return {
    name: format.name,
    title: format.title,
    carriers: ['bytes'],
    startsStream: (head) => (head.length < TELLING_BYTES ? undefined : format.sniff(head) === 1),
    createDecoder: (intake) => new RecordingDecoder(intake, format),
    createEncoder: ({ sensor }) => {
      if (format.createEncoder === undefined) {
        throw new OptionError(`protocol: ${format.title} can be read but not written`);
      }
      return format.createEncoder({ sensor });
    },
  };
}
