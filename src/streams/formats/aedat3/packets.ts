import type { EventChunk, SensorSize } from '../../../events.ts';
import type { Progress } from '../chunk-builder.ts';
import type { DecodeCounters } from '../format.ts';

/** Bytes before a packet's events. */
export const PACKET_HEADER_BYTES = 28;

/** Numbers of the kinds of packets. */
export const PACKET_TYPE = { special: 0, polarity: 1, frame: 2, imu6: 3, imu9: 4 } as const;

/** Packed or not, a packet is at most this large. */
const LARGEST_PACKET_BYTES = 1 << 26;
const POLARITY_BYTES = 8;

/** What stands before the events of a packet. */
export interface PacketHeader {
  readonly type: number;
  /** Number of the camera. */
  readonly source: number;
  /** Events in the packet, valid or not. */
  readonly events: number;
  /** Bytes of an event. */
  readonly eventBytes: number;
  /** Bytes of the packet behind its header: it may have room for more events than it holds. */
  readonly bodyBytes: number;
  /** Times of 31 bits have wrapped this often: the upper half of 64-bit times, and bit 31 of the lower half. */
  readonly timeHigh: number;
  readonly timeBit31: number;
}

/** Reads a packet's header (libcaer events/common.h); a RangeError where it makes no sense. */
export function readPacketHeader(header: DataView): PacketHeader {
  const type = header.getInt16(0, true);
  const eventBytes = header.getInt32(4, true);
  const overflow = header.getInt32(12, true);
  const capacity = header.getInt32(16, true);
  const events = header.getInt32(20, true);
  if (type < 0 || type > 255) throw new RangeError(`a packet of type 0 to 255 expected, found ${type}`);
  if (eventBytes < 1 || capacity < 0 || eventBytes * capacity > LARGEST_PACKET_BYTES) {
    throw new RangeError(
      `a packet of at most ${LARGEST_PACKET_BYTES} bytes expected, found ${capacity} events of ${eventBytes}`,
    );
  }
  if (events < 0 || events > capacity) {
    throw new RangeError(`at most ${capacity} events expected, found ${events}`);
  }
  if (type === PACKET_TYPE.polarity && eventBytes !== POLARITY_BYTES) {
    throw new RangeError(`events of ${POLARITY_BYTES} bytes expected, found ${eventBytes}`);
  }
  if (overflow < 0) throw new RangeError(`a count of wraps expected, found ${overflow}`);
  return {
    type,
    source: header.getInt16(2, true),
    events,
    eventBytes,
    bodyBytes: eventBytes * capacity,
    timeHigh: overflow >> 1,
    timeBit31: (overflow & 1) << 31,
  };
}

/** Time of the first event of a packet of polarity events, in microseconds. */
export function firstMicros(body: DataView, { timeHigh, timeBit31 }: PacketHeader): number {
  return timeHigh * 2 ** 32 + (((body.getInt32(4, true) & 0x7fffffff) | timeBit31) >>> 0);
}

/** Decodes polarity events `start` to `stop`, as `DecodeWide` says; invalid ones are counted as skipped. */
export function decodePolarity(
  body: DataView,
  packet: PacketHeader,
  start: number,
  stop: number,
  { t, x, y, on }: EventChunk,
  originHigh: number,
  { width, height }: SensorSize,
  progress: Progress,
  counters: DecodeCounters,
): number {
  const { timeHigh, timeBit31 } = packet;
  if (timeHigh > originHigh) {
    progress.overflow = true;
    return start;
  }
  let n = progress.length;
  let last = progress.last;
  for (let event = start; event < stop; event++) {
    const data = body.getUint32(event * POLARITY_BYTES, true);
    if ((data & 1) === 0) {
      counters.skipped++;
      continue;
    }
    const column = data >>> 17;
    const row = (data >>> 2) & 0x7fff;
    if (column >= width || row >= height) {
      counters.outOfRange++;
      continue;
    }
    let time = ((body.getInt32(event * POLARITY_BYTES + 4, true) & 0x7fffffff) | timeBit31) >>> 0;
    if (timeHigh < originHigh || time < last) {
      counters.backward++;
      time = last;
    }
    t[n] = time;
    x[n] = column;
    y[n] = row;
    on[n] = (data >> 1) & 1;
    n++;
    last = time;
  }
  counters.events += n - progress.length;
  progress.length = n;
  progress.last = last;
  return stop;
}
