import { FlatTable } from '../flat-table.ts';
import type { FrameRecord, InertialRecord, OtherRecord, TriggerRecord } from '../other-records.ts';

/** Records of one packet; more are no camera's. */
const MOST_RECORDS = 1 << 16;

/** Channels by the number of a frame's format, as OpenCV numbers them. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 16: 3, 24: 4 };

/** Names of triggers by their number, as dv::TriggerType numbers them. */
const TRIGGERS = [
  'reset',
  'rising',
  'falling',
  'pulse',
  'generated rising',
  'generated falling',
  'frame start',
  'frame end',
  'exposure start',
  'exposure end',
];

/** The records of a packet that holds no events: its size, then a table; a RangeError where it is not valid. */
export function readOtherPacket(content: DataView): OtherRecord[] {
  const size = content.getUint32(0, true);
  if (size > content.byteLength - 4) {
    throw new RangeError(`content of ${size + 4} bytes expected, found ${content.byteLength}`);
  }
  const table = FlatTable.root(content, 4);
  switch (content.getUint32(8)) {
    case 0x46524d45: // FRME
      return [readFrame(table)];
    case 0x494d5553: // IMUS
      return table.tables(0, MOST_RECORDS).map(readInertial);
    case 0x54524947: // TRIG
      return table.tables(0, MOST_RECORDS).map(readTrigger);
    default:
      return [];
  }
}

function readFrame(frame: FlatTable): FrameRecord {
  const format = frame.int8(5);
  const channels = CHANNELS[format];
  if (channels === undefined) throw new RangeError(`frame of format 0, 16 or 24 expected, found ${format}`);
  const width = frame.int16(6);
  const height = frame.int16(7);
  const { start, length } = frame.vector(10, 1);
  if (width < 0 || height < 0 || length !== width * height * channels) {
    throw new RangeError(`frame of ${width} x ${height} x ${channels} bytes expected, found ${length}`);
  }
  const { buffer, byteOffset } = frame.view;
  return {
    kind: 'frame',
    micros: frame.int64(0),
    exposureMicros: [frame.int64(3), frame.int64(4)],
    width,
    height,
    left: frame.int16(8),
    top: frame.int16(9),
    channels,
    pixels: new Uint8Array(buffer, byteOffset + start, length).slice(), // the buffer serves the next packet too
  };
}

function readInertial(sample: FlatTable): InertialRecord {
  return {
    kind: 'inertial',
    micros: sample.int64(0),
    temperature: sample.float32(1),
    acceleration: [sample.float32(2), sample.float32(3), sample.float32(4)],
    rotation: [sample.float32(5), sample.float32(6), sample.float32(7)],
    magnetism: [sample.float32(8), sample.float32(9), sample.float32(10)],
  };
}

function readTrigger(trigger: FlatTable): TriggerRecord {
  const type = trigger.int8(1);
  return { kind: 'trigger', micros: trigger.int64(0), type, name: TRIGGERS[type] ?? 'other' };
}
