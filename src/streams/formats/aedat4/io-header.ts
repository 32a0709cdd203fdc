import type { SensorSize } from '../../../events.ts';
import { viewOf } from '../byte-window.ts';
import { FlatTable } from '../flat-table.ts';

/** How the packets of a file are packed; the high variants decode as the plain ones. */
export type Compression = 'none' | 'lz4' | 'zstd';

/** What stands before the packets of an AEDAT 4 file. */
export interface IoHeader {
  readonly compression: Compression;
  /** Where the data table is said to begin; -1 where there is none. */
  readonly tablePosition: number;
  /** Type identifiers by stream number: `EVTS`, `FRME`, `IMUS`, `TRIG`. */
  readonly streams: ReadonlyMap<number, string>;
  /** The first stream of events. */
  readonly eventStream: number | undefined;
  /** Size of its sensor. */
  readonly sensor: SensorSize | undefined;
}

const DEEPEST_NODE = 64;
const COMPRESSIONS: readonly Compression[] = ['none', 'lz4', 'lz4', 'zstd', 'zstd'];

/** Reads the header table (identifier IOHE); throws a RangeError where it is not one. */
export function readIoHeader(bytes: Uint8Array): IoHeader {
  const view = viewOf(bytes);
  if (view.getUint32(4) !== 0x494f4845) throw new RangeError('a header with identifier IOHE expected');
  const table = FlatTable.root(view);
  const code = table.int32(0);
  const compression = COMPRESSIONS[code];
  if (compression === undefined) throw new RangeError(`compression 0 to 4 expected, found ${code}`);
  return { compression, tablePosition: table.int64(1, -1), ...readDescription(table.text(2, bytes.length)) };
}

/** The streams that the XML description names: nodes within `outInfo`, numbered, each with a type and an `info`. */
function readDescription(xml: string): Omit<IoHeader, 'compression' | 'tablePosition'> {
  const streams = new Map<number, string>();
  const sizes = new Map<number, { sizeX?: number; sizeY?: number }>();
  const path: string[] = [];
  for (const [, closing, tag, attributes, text] of xml.matchAll(/<(\/?)(node|attr)\b([^<>]*)>([^<]*)/g)) {
    if (tag === 'node') {
      if (closing === '/') path.pop();
      else if (!attributes!.endsWith('/')) path.push(/\bname="([^"]*)"/.exec(attributes!)?.[1] ?? '');
      if (path.length > DEEPEST_NODE) throw new RangeError(`nodes at most ${DEEPEST_NODE} deep expected`);
      continue;
    }
    const within = path.indexOf('outInfo');
    const stream = Number(path[within + 1]);
    if (closing === '/' || within < 0 || !(Number.isInteger(stream) && stream >= 0)) continue;
    const key = /\bkey="([^"]*)"/.exec(attributes!)?.[1];
    if (key === 'typeIdentifier' && path.length === within + 2) streams.set(stream, text!.trim());
    if ((key === 'sizeX' || key === 'sizeY') && path[within + 2] === 'info') {
      sizes.set(stream, { ...sizes.get(stream), [key]: Number(text) });
    }
  }
  const eventStream = [...streams].find(([, type]) => type === 'EVTS')?.[0];
  const { sizeX = 0, sizeY = 0 } = sizes.get(eventStream ?? -1) ?? {};
  const known = isSize(sizeX) && isSize(sizeY);
  return { streams, eventStream, sensor: known ? { width: sizeX, height: sizeY } : undefined };
}

function isSize(pixels: number): boolean {
  return Number.isInteger(pixels) && pixels > 0 && pixels <= 32768;
}
