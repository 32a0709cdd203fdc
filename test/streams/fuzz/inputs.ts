/** Small files of every format, to be damaged. */
import type { File } from 'h5wasm/node';
import { makeFixtures } from '../../../fixtures/recordings/fixtures.ts';
import { hdf5File } from '../../../fixtures/recordings/hdf5-file.ts';
import { npyFile, npzFile } from '../../../fixtures/recordings/numpy-file.ts';
import { barEvents } from '../../../fixtures/recordings/scene.ts';
import { sliceChunk } from '../../../src/events.ts';
import { type AnyFormat, aedat4, formats, hdf5, numpy } from '../../../src/streams/formats/index.ts';
import { encodeRecording } from '../../../src/streams/recording-file.ts';
import { joinColumns } from '../columns.ts';

/** A file that is whole. */
export interface FuzzInput {
  readonly name: string;
  readonly format: AnyFormat;
  readonly bytes: Buffer;
}

const SENSOR = { width: 128, height: 128 };
const EVENTS = 400;

/** The fixtures, and what they are no files of: each format small, as its encoder writes it, and those that are read by jumps. */
export async function fuzzInputs(): Promise<FuzzInput[]> {
  const events = barEvents('fuzz', SENSOR, EVENTS, 5000);
  const chunks = [sliceChunk(events, 0, 150), sliceChunk(events, 150, EVENTS)];
  const inputs: FuzzInput[] = [];
  for (const { name, format, bytes } of await makeFixtures()) {
    await format.prepare?.(bytes);
    inputs.push({ name, format, bytes: Buffer.from(bytes) });
  }
  const add = async (format: AnyFormat, options = {}): Promise<void> => {
    const parts: Uint8Array[] = [];
    for await (const part of encodeRecording(chunks, { format, sensor: SENSOR, ...options }))
      parts.push(part);
    inputs.push({ name: `small ${format.name}`, format, bytes: Buffer.concat(parts) });
  };
  for (const format of formats) if (format.createEncoder !== undefined) await add(format);
  await add(aedat4, { compression: 'none' });
  await add(aedat4, { compression: 'zstd' });
  const { t, x, y, on } = joinColumns([events]);
  const rows = Buffer.alloc(13 * EVENTS);
  for (let i = 0; i < EVENTS; i++) {
    rows.writeBigInt64LE(BigInt(t[i]!), 13 * i);
    rows.writeInt16LE(x[i]!, 13 * i + 8);
    rows.writeInt16LE(y[i]!, 13 * i + 10);
    rows[13 * i + 12] = on[i]!;
  }
  const column = (descr: string, values: ArrayBufferView): Buffer =>
    npyFile(descr, [EVENTS], new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  const columns = {
    t: column("'<i8'", BigInt64Array.from(t, BigInt)),
    x: column("'<u2'", Uint16Array.from(x)),
    y: column("'<u2'", Uint16Array.from(y)),
    p: column("'|u1'", Uint8Array.from(on)),
  };
  const array = npyFile("[('t', '<i8'), ('x', '<i2'), ('y', '<i2'), ('p', '|u1')]", [EVENTS], rows);
  inputs.push(
    { name: 'rows.npy', format: numpy, bytes: array },
    { name: 'stored.npz', format: numpy, bytes: npzFile(columns, false) },
    { name: 'packed.npz', format: numpy, bytes: npzFile(columns, true) },
    {
      name: 'dsec.h5',
      format: hdf5,
      bytes: await hdf5File((file) => {
        file.create_group('events');
        const group = file.get('events') as File;
        const packed = { chunks: [100], compression: 4 };
        group.create_dataset({ name: 't', data: Uint32Array.from(t), ...packed });
        group.create_dataset({ name: 'x', data: Uint16Array.from(x), ...packed });
        group.create_dataset({ name: 'y', data: Uint16Array.from(y), ...packed });
        group.create_dataset({ name: 'p', data: Uint8Array.from(on), ...packed });
      }),
    },
  );
  const missing = formats.filter((format) => !inputs.some((input) => input.format === format));
  if (missing.length > 0) throw new Error(`no input of ${missing.map(({ name }) => name).join(', ')}`);
  return inputs;
}
