/**
 * The safetensors container: a little-endian 64-bit header length, a JSON header that gives each tensor's type,
 * shape and byte range, then the data. Only float32 is written and read; headers are taken as hostile.
 */

import { FormatError } from '../errors.ts';

/** A tensor outside any engine: its shape and its values, row major. */
export interface TensorData {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** What a safetensors file holds. */
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, TensorData>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Where the header begins, in bytes. */
export const HEADER_OFFSET = 8;
const ALIGNMENT = 8;
const HEADER_LIMIT = 100_000_000;

/** The bytes of a safetensors file; the same content always gives the same bytes. */
export function encodeTensors({ tensors, metadata }: TensorFile): Uint8Array<ArrayBuffer> {
  // Without a prototype, so that any name is a plain key.
  const header: Record<string, unknown> = Object.assign(Object.create(null), { __metadata__: metadata });
  let end = 0;
  for (const [name, { shape, values }] of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [end, end + values.byteLength] };
    end += values.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const dataStart = HEADER_OFFSET + headerBytes;
  const bytes = new Uint8Array(dataStart + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, HEADER_OFFSET, dataStart);
  bytes.set(text, HEADER_OFFSET);
  let at = dataStart;
  for (const { values } of tensors.values()) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return bytes;
}

/** The tensors and metadata of a safetensors file; anything amiss is a FormatError with its byte offset. */
export function decodeTensors(bytes: Uint8Array, path?: string): TensorFile {
  const fail = (message: string, byteOffset: number): never => {
    throw new FormatError(message, path === undefined ? { byteOffset } : { path, byteOffset });
  };
  if (bytes.length < HEADER_OFFSET)
    fail(`safetensors: expected an 8-byte length, found ${bytes.length} bytes`, 0);
  const headerBytes = Number(
    new DataView(bytes.buffer, bytes.byteOffset, HEADER_OFFSET).getBigUint64(0, true),
  );
  if (headerBytes > HEADER_LIMIT || headerBytes > bytes.length - HEADER_OFFSET) {
    fail(`safetensors: header of ${headerBytes} bytes in a file of ${bytes.length}`, 0);
  }
  const data = bytes.subarray(HEADER_OFFSET + headerBytes);
  const header = parseHeader(bytes.subarray(HEADER_OFFSET, HEADER_OFFSET + headerBytes), fail);
  const metadata: Record<string, string> = Object.create(null);
  const tensors = new Map<string, TensorData>();
  let end = 0;
  for (const [name, entry] of Object.entries(header).sort(byStart)) {
    if (name === '__metadata__') {
      if (!isRecord(entry)) fail('safetensors: metadata is not an object', HEADER_OFFSET);
      for (const [key, value] of Object.entries(entry as object)) {
        if (typeof value !== 'string') fail(`safetensors: metadata "${key}" is not text`, HEADER_OFFSET);
        metadata[key] = value;
      }
      continue;
    }
    const { shape, start, stop } = checkedEntry(name, entry, data.length, fail);
    if (start !== end) {
      fail(`safetensors: tensor "${name}" starts at ${start} where ${end} was expected`, HEADER_OFFSET);
    }
    end = stop;
    // A copy, since the data of a file read whole need not be aligned to four bytes; a Buffer's slice is none.
    const copy = new Uint8Array(data.subarray(start, stop));
    tensors.set(name, { shape, values: new Float32Array(copy.buffer) });
  }
  if (end !== data.length) {
    fail(`safetensors: ${data.length - end} bytes after the last tensor`, HEADER_OFFSET + headerBytes + end);
  }
  return { tensors, metadata };
}

type Fail = (message: string, byteOffset: number) => never;

function parseHeader(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (isRecord(header)) return header;
  } catch {
    // Reported below: a header that is not UTF-8 and one that is not JSON are the same fault to a reader.
  }
  return fail('safetensors: header is not a JSON object', HEADER_OFFSET);
}

/** Order of the data: metadata first, tensors by where they start; an empty tensor before one at the same place. */
function byStart([, a]: [string, unknown], [, b]: [string, unknown]): number {
  const [aStart, aStop] = offsetsOf(a);
  const [bStart, bStop] = offsetsOf(b);
  return aStart - bStart || aStop - bStop;
}

function offsetsOf(entry: unknown): [number, number] {
  const offsets = isRecord(entry) ? entry['data_offsets'] : undefined;
  return Array.isArray(offsets) && isSize(offsets[0]) && isSize(offsets[1])
    ? [offsets[0], offsets[1]]
    : [-1, -1];
}

function checkedEntry(
  name: string,
  entry: unknown,
  dataBytes: number,
  fail: Fail,
): { shape: readonly number[]; start: number; stop: number } {
  const { dtype, shape } = isRecord(entry) ? entry : {};
  if (dtype !== 'F32') return fail(`safetensors: tensor "${name}" is ${dtype}, expected F32`, HEADER_OFFSET);
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    return fail(`safetensors: tensor "${name}" has no valid shape`, HEADER_OFFSET);
  }
  const [start, stop] = offsetsOf(entry);
  const size = shape.reduce((product: number, side: number) => product * side, 1);
  if (start < 0 || stop > dataBytes || stop - start !== 4 * size) {
    return fail(
      `safetensors: tensor "${name}" of shape [${shape}] at bytes ${start} to ${stop} of ${dataBytes}`,
      HEADER_OFFSET,
    );
  }
  return { shape, start, stop };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
