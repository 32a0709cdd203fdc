import { OptionError } from '../../../errors.ts';
import type { EventChunk, SensorSize } from '../../../events.ts';
import { type Aedat2Chip, chipForSensor, findChip } from '../../formats/aedat2/chips.ts';
import { viewOf } from '../../formats/byte-window.ts';
import { RecordCarry } from '../../formats/record-carry.ts';
import type { Intake } from '../intake.ts';
import { DatagramPacker } from './datagram-packer.ts';
import {
  type Carrier,
  type LiveDecoder,
  type LiveEncoder,
  type Protocol,
  type ProtocolOptions,
  plausibility,
  type SendingOptions,
} from './protocol.ts';
import { SequenceNumbers } from './sequence.ts';

/**
 * What jAER sends: raw addresses of a chip, laid out as in AEDAT 2.0, and times of 32 bits in microseconds, big-endian
 * unless its option to swap bytes is on. In datagrams (AEUnicastOutput, port 8991) a sequence number of 32 bits that
 * starts at 1, then address and time of each event. Over TCP (AESocket, port 8990) time, then address, and times count
 * from the first event. https://github.com/SensorsINI/jaer, net.sf.jaer.eventio
 */
const RECORD_BYTES = 8;
const SEQUENCE_BYTES = 4;
/** Fills an Ethernet frame; jAER's own default is 7874, which networks cut into pieces. */
const EVENTS_A_DATAGRAM = 182;

/** Addresses of a chip as pixels, as they are shown. */
class Addresses {
  readonly chip: Aedat2Chip;

  constructor(chip: Aedat2Chip) {
    this.chip = chip;
  }

  isEvent(address: number): boolean {
    return (address & this.chip.otherMask) === 0;
  }

  x(address: number): number {
    const { layout, width } = this.chip;
    return width - 1 - (layout === 'davis' ? (address >> 12) & 1023 : (address >> 1) & 127);
  }

  y(address: number): number {
    const { layout, height } = this.chip;
    return height - 1 - (layout === 'davis' ? (address >> 22) & 511 : (address >> 8) & 127);
  }

  on(address: number): number {
    return this.chip.layout === 'davis' ? (address >> 11) & 1 : 1 - (address & 1);
  }

  of(x: number, y: number, on: number): number {
    const { layout, width, height } = this.chip;
    const column = width - 1 - x;
    const row = height - 1 - y;
    return layout === 'davis'
      ? (row << 22) | (column << 12) | (on << 11)
      : (row << 8) | (column << 1) | (on ^ 1);
  }
}

function chipOf({ chip, sensor }: ProtocolOptions): Aedat2Chip {
  if (chip === undefined) return chipForSensor(sensor);
  const found = findChip(chip);
  if (found !== undefined) return found;
  throw new OptionError(`chip: expected DVS128 or a DAVIS, such as DAVIS346, found ${JSON.stringify(chip)}`);
}

/** Takes the records of a datagram or a block; a coordinate below 0 is one of another chip. */
function takeRecords(
  view: DataView,
  start: number,
  order: RecordOrder,
  addresses: Addresses,
  intake: Intake,
): void {
  let skipped = 0;
  for (let at = start; at < view.byteLength; at += RECORD_BYTES) {
    const address = view.getInt32(at + order.address, order.little);
    if (!addresses.isEvent(address)) skipped++;
    else {
      const time = view.getUint32(at + order.time, order.little);
      // Below 0 becomes far outside of any sensor.
      intake.timed(time, addresses.x(address) >>> 0, addresses.y(address) >>> 0, addresses.on(address));
    }
  }
  if (skipped > 0) intake.tally.add('skipped', skipped);
}

interface RecordOrder {
  readonly address: number;
  readonly time: number;
  readonly little: boolean;
}

class JaerDatagrams implements LiveDecoder {
  readonly #intake: Intake;
  readonly #addresses: Addresses;
  readonly #sequence: SequenceNumbers;
  readonly #little: boolean;

  constructor(intake: Intake, options: ProtocolOptions) {
    this.#intake = intake;
    this.#addresses = new Addresses(chipOf(options));
    this.#sequence = new SequenceNumbers(intake.tally);
    this.#little = options.endian === 'little';
  }

  push(datagram: Uint8Array): void {
    const view = viewOf(datagram);
    if (!isWhole(view)) {
      this.#intake.tally.add('malformed');
      return;
    }
    if (!this.#sequence.take(view.getUint32(0, this.#little))) return;
    const order = { address: 0, time: 4, little: this.#little };
    takeRecords(view, SEQUENCE_BYTES, order, this.#addresses, this.#intake);
  }

  restart(): void {
    this.#sequence.restart();
  }
}

/** True for a sequence number and any number of whole records: jAER ends a full packet with an empty datagram. */
function isWhole({ byteLength }: DataView): boolean {
  return byteLength >= SEQUENCE_BYTES && (byteLength - SEQUENCE_BYTES) % RECORD_BYTES === 0;
}

function fitsDatagram(datagram: Uint8Array, options: ProtocolOptions): number {
  const view = viewOf(datagram);
  const events = (view.byteLength - SEQUENCE_BYTES) / RECORD_BYTES;
  if (!isWhole(view) || events === 0) return 0;
  let addresses: Addresses;
  try {
    addresses = new Addresses(chipOf(options));
  } catch {
    return 0;
  }
  const little = options.endian === 'little';
  const { width, height } = addresses.chip;
  let fitting = 0;
  for (let i = 0; i < events; i++) {
    const address = view.getInt32(SEQUENCE_BYTES + i * RECORD_BYTES, little);
    const wide = addresses.chip.layout === 'dvs128' && address >>> 16 !== 0;
    if (!wide && addresses.x(address) >>> 0 < width && addresses.y(address) >>> 0 < height) fitting++;
  }
  return plausibility(events, fitting, events, (i) =>
    view.getUint32(SEQUENCE_BYTES + 4 + i * RECORD_BYTES, little),
  );
}

class JaerStream implements LiveDecoder {
  readonly #intake: Intake;
  readonly #addresses: Addresses;
  readonly #order: RecordOrder;
  #carry = new RecordCarry(RECORD_BYTES);

  constructor(intake: Intake, options: ProtocolOptions) {
    this.#intake = intake;
    this.#addresses = new Addresses(chipOf(options));
    this.#order = { address: 4, time: 0, little: options.endian === 'little' };
  }

  push(block: Uint8Array): void {
    this.#carry.feed(block, (records) => takeRecords(records, 0, this.#order, this.#addresses, this.#intake));
  }

  restart(): void {
    if (this.#carry.held > 0) this.#intake.tally.add('malformed');
    this.#carry = new RecordCarry(RECORD_BYTES);
  }
}

class JaerEncoder implements LiveEncoder {
  readonly #addresses: Addresses;
  readonly #sensor: SensorSize;
  readonly #datagrams: boolean;
  readonly #little: boolean;
  readonly #packer: DatagramPacker;
  #sequence = 0;
  #firstMicros: number | undefined;

  constructor(options: SendingOptions) {
    this.#addresses = new Addresses(chipOf(options));
    this.#sensor = this.#addresses.chip;
    this.#datagrams = options.carrier === 'datagrams';
    this.#little = options.endian === 'little';
    const events = options.eventsPerPacket ?? EVENTS_A_DATAGRAM;
    this.#packer = new DatagramPacker(RECORD_BYTES, events, this.#datagrams ? SEQUENCE_BYTES : 0);
  }

  push({ origin, t, x, y, on }: EventChunk, emit: (bytes: Uint8Array) => void): void {
    const packer = this.#packer;
    const [addressAt, timeAt] = this.#datagrams ? [0, 4] : [4, 0];
    if (t.length > 0 && !this.#datagrams) this.#firstMicros ??= origin + t[0]!;
    const zero = this.#firstMicros ?? 0;
    for (let i = 0; i < t.length; i++) {
      if (x[i]! >= this.#sensor.width || y[i]! >= this.#sensor.height) this.#refuse(x[i]!, y[i]!);
      const at = packer.next();
      packer.view.setInt32(at + addressAt!, this.#addresses.of(x[i]!, y[i]!, on[i]!), this.#little);
      packer.view.setUint32(at + timeAt!, (origin + t[i]! - zero) % 4294967296, this.#little);
      if (packer.full) this.end(emit);
    }
  }

  end(emit: (bytes: Uint8Array) => void): void {
    this.#packer.flush(emit, (view) => {
      if (this.#datagrams) view.setUint32(0, ++this.#sequence, this.#little);
    });
  }

  #refuse(x: number, y: number): never {
    const { width, height } = this.#sensor;
    throw new OptionError(`jAER: expected events of a chip of ${width}x${height}, found one at (${x}, ${y})`);
  }
}

/** jAER's datagrams and its TCP stream. */
export const jaer: Protocol = {
  name: 'jaer',
  title: 'jAER',
  carriers: ['datagrams', 'bytes'],
  ports: { datagrams: 8991, bytes: 8990 },
  fitsDatagram,
  createDecoder: (intake: Intake, carrier: Carrier, options) =>
    carrier === 'datagrams' ? new JaerDatagrams(intake, options) : new JaerStream(intake, options),
  createEncoder: (options) => new JaerEncoder(options),
};
