import type { SensorSize } from '../../../events.ts';

/** What the lines before the packets say. */
export interface Aedat3Header {
  /** Length of the header. */
  readonly bytes: number;
  /** Size of the sensor, where the camera that is named is known. */
  readonly sensor: SensorSize | undefined;
}

const START = '#!AER-DAT3.';
const VERSION = '3.1';
const END = '#!END-HEADER';

/** Cameras that name no size: the rest have theirs in their name, as DAVIS346. */
const SENSORS: readonly [name: RegExp, width: number, height: number][] = [
  [/DVS128/i, 128, 128],
  [/eDVS/i, 128, 128],
  [/DVS132/i, 132, 104],
  [/DAVIS128/i, 128, 128],
  [/DAVIS208/i, 208, 192],
  [/DAVIS240/i, 240, 180],
  [/DAVISRGB|DAVIS640/i, 640, 480],
  [/DAVIS346/i, 346, 260],
  [/DVXPLORER[ _-]?LITE/i, 320, 240],
  [/DVXPLORER/i, 640, 480],
  [/SAMSUNG/i, 640, 480],
];

/** True for the first bytes of any AEDAT 3. */
export function isAedat3Start(head: Uint8Array): boolean {
  return Buffer.from(head.subarray(0, START.length)).toString('latin1') === START;
}

/** Reads the header; undefined while its end has not come; a RangeError where it is another format's. */
export function readAedat3Header(bytes: Uint8Array): Aedat3Header | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const known = Math.min(START.length, text.length);
  if (text.toString('latin1', 0, known) !== START.slice(0, known)) {
    throw new RangeError(
      `#!AER-DAT${VERSION} expected, found ${JSON.stringify(text.toString('latin1', 0, 20))}`,
    );
  }
  const mark = text.indexOf(END);
  const newline = mark < 0 ? -1 : text.indexOf('\n', mark);
  if (newline < 0) return undefined;
  const lines = text.toString('latin1', 0, mark).split(/\r?\n/);
  const version = /^#!AER-DAT(\S+)/.exec(lines[0]!)?.[1];
  if (version !== VERSION) {
    throw new RangeError(`version ${VERSION} expected, found ${JSON.stringify(version?.slice(0, 20))}`);
  }
  const format = valueIn(lines, /^#Format:\s*(.*)$/) ?? 'RAW';
  if (format !== 'RAW') {
    throw new RangeError(`packets in the format RAW expected, found ${JSON.stringify(format.slice(0, 40))}`);
  }
  const camera = valueIn(lines, /^#Source\s+\d+:\s*(.*)$/) ?? '';
  const found = SENSORS.find(([name]) => name.test(camera));
  return {
    bytes: newline + 1,
    sensor: found === undefined ? undefined : { width: found[1], height: found[2] },
  };
}

function valueIn(lines: readonly string[], pattern: RegExp): string | undefined {
  for (const line of lines) {
    const value = pattern.exec(line.trimEnd())?.[1];
    if (value !== undefined) return value.trim();
  }
  return undefined;
}
