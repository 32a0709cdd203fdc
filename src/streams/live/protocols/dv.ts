import { type EventChunk, type SensorSize, sliceChunk } from '../../../events.ts';
import { EventPackets, MAGIC, writeHeader, writePacket } from '../../formats/aedat4/encoder.ts';
import { loadZstd } from '../../formats/aedat4/zstd.ts';
import { aedat4 } from '../../formats/aedat4.ts';
import type { LiveEncoder, Protocol } from './protocol.ts';
import { RecordingDecoder } from './recording.ts';

/**
 * What DV's network output and dv-processing's NetworkWriter send over TCP and unix sockets: AEDAT 4 without its first
 * line, which is the length of the header table, the table (identifier IOHE), then packets. They listen, receivers
 * connect. https://dv-processing.inivation.com
 */
const IDENTIFIER = Buffer.from('IOHE', 'latin1');
const IDENTIFIER_AT = 8;
/** A packet is at most this long: it waits until it is whole. */
const EVENTS_A_PACKET = 16384;

class DvEncoder implements LiveEncoder {
  readonly #sensor: SensorSize;
  readonly #limit: number;
  readonly #packets: EventPackets;
  #headed = false;

  constructor(sensor: SensorSize, limit: number) {
    this.#sensor = sensor;
    this.#limit = limit;
    this.#packets = new EventPackets(sensor);
  }

  push(chunk: EventChunk, emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
    for (let start = 0; start < chunk.t.length; start += this.#limit) {
      emit(writePacket(0, this.#packets.write(sliceChunk(chunk, start, start + this.#limit))));
    }
  }

  end(emit: (bytes: Uint8Array) => void): void {
    this.#head(emit);
  }

  #head(emit: (bytes: Uint8Array) => void): void {
    if (this.#headed) return;
    this.#headed = true;
    emit(writeHeader([{ id: 0, type: 'EVTS', sensor: this.#sensor }]).subarray(MAGIC.length));
  }
}

/** DV's network streams. */
export const dv: Protocol = {
  name: 'dv',
  title: 'DV (AEDAT 4)',
  carriers: ['bytes'],
  ports: { bytes: 7777 },
  startsStream(head) {
    for (let i = 0; i < IDENTIFIER.length && IDENTIFIER_AT + i < head.length; i++) {
      if (head[IDENTIFIER_AT + i] !== IDENTIFIER[i]) return false;
    }
    return head.length < IDENTIFIER_AT + IDENTIFIER.length ? undefined : true;
  },
  prepare: async () => {
    await loadZstd();
  },
  createDecoder: (intake) => new RecordingDecoder(intake, aedat4, MAGIC),
  createEncoder: ({ sensor, eventsPerPacket = EVENTS_A_PACKET }) => new DvEncoder(sensor, eventsPerPacket),
};
