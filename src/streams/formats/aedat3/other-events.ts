import type { FrameRecord, InertialRecord, OtherRecord, TriggerRecord } from '../other-records.ts';
import { PACKET_TYPE, type PacketHeader } from './packets.ts';

/** Names of special events by their number (libcaer events/special.h). */
const SPECIAL: Readonly<Record<number, { name: string; channel?: number }>> = {
  0: { name: 'wrap' },
  1: { name: 'reset' },
  2: { name: 'rising', channel: 0 },
  3: { name: 'falling', channel: 0 },
  4: { name: 'pulse', channel: 0 },
  6: { name: 'rising', channel: 1 },
  7: { name: 'falling', channel: 1 },
  8: { name: 'pulse', channel: 1 },
  9: { name: 'rising', channel: 2 },
  10: { name: 'falling', channel: 2 },
  11: { name: 'pulse', channel: 2 },
  12: { name: 'generated rising' },
  13: { name: 'generated falling' },
  14: { name: 'frame start' },
  15: { name: 'frame end' },
  16: { name: 'exposure start' },
  17: { name: 'exposure end' },
};

const FRAME_HEADER_BYTES = 36;

/** Delivers what a packet of another kind than polarity holds; a RangeError where it is not valid. */
export function readOtherEvents(
  body: DataView,
  packet: PacketHeader,
  deliver: (record: OtherRecord) => void,
): void {
  const read = READERS[packet.type];
  if (read === undefined) return;
  for (let event = 0; event < packet.events; event++) {
    const at = event * packet.eventBytes;
    const view = new DataView(body.buffer, body.byteOffset + at, packet.eventBytes);
    if ((view.getUint32(0, true) & 1) === 1) deliver(read(view, packet));
  }
}

const READERS: Readonly<Record<number, (event: DataView, packet: PacketHeader) => OtherRecord>> = {
  [PACKET_TYPE.special]: readSpecial,
  [PACKET_TYPE.frame]: readFrame,
  [PACKET_TYPE.imu6]: readInertial,
  [PACKET_TYPE.imu9]: readInertial,
};

function microsAt(event: DataView, at: number, { timeHigh, timeBit31 }: PacketHeader): number {
  return timeHigh * 2 ** 32 + ((event.getInt32(at, true) | timeBit31) >>> 0);
}

function readSpecial(event: DataView, packet: PacketHeader): TriggerRecord {
  const type = (event.getUint32(0, true) >> 1) & 127;
  return {
    kind: 'trigger',
    micros: microsAt(event, 4, packet),
    type,
    ...(SPECIAL[type] ?? { name: 'other' }),
  };
}

function readFrame(event: DataView, packet: PacketHeader): FrameRecord {
  const channels = (event.getUint32(0, true) >> 1) & 7;
  const width = event.getInt32(20, true);
  const height = event.getInt32(24, true);
  const values = width * height * channels;
  if (width < 0 || height < 0 || !(FRAME_HEADER_BYTES + 2 * values <= event.byteLength)) {
    throw new RangeError(
      `a frame within its ${event.byteLength} bytes expected, found ${width} x ${height} x ${channels}`,
    );
  }
  const pixels = new Uint16Array(values);
  for (let i = 0; i < values; i++) pixels[i] = event.getUint16(FRAME_HEADER_BYTES + 2 * i, true);
  const exposureMicros = [microsAt(event, 12, packet), microsAt(event, 16, packet)] as const;
  return {
    kind: 'frame',
    micros: Math.floor((exposureMicros[0] + exposureMicros[1]) / 2),
    exposureMicros,
    width,
    height,
    left: event.getInt32(28, true),
    top: event.getInt32(32, true),
    channels,
    pixels,
  };
}

function readInertial(event: DataView, packet: PacketHeader): InertialRecord {
  const vector = (at: number): [number, number, number] => [
    event.getFloat32(at, true),
    event.getFloat32(at + 4, true),
    event.getFloat32(at + 8, true),
  ];
  return {
    kind: 'inertial',
    micros: microsAt(event, 4, packet),
    acceleration: vector(8),
    rotation: vector(20),
    temperature: event.getFloat32(32, true),
    ...(packet.type === PACKET_TYPE.imu9 ? { magnetism: vector(36) } : {}),
  };
}
