/**
 * Our decoding and encoding in a process of its own, as every peer has one: `node own.js IMPLEMENTATION` answers each line
 * of standard input, WORK, FORMAT, SECONDS, PATH and OUT with tabs between, as `Peer` expects it.
 */
import { createInterface } from 'node:readline';
import type { EventChunk } from '../../src/events.ts';
import { type EventFormat, sequentialFormats } from '../../src/streams/formats/index.ts';
import { IMPLEMENTATIONS, useImplementation } from '../../src/streams/formats/kernels/loops.ts';
import { openRecording, writeRecording } from '../../src/streams/recording-file.ts';
import type { PeerAnswer } from './peer.ts';
import { rates } from './rates.ts';

async function countedEvents(path: string, format: EventFormat): Promise<number> {
  let events = 0;
  for await (const { t } of (await openRecording(path, { format })).chunks()) events += t.length;
  return events;
}

async function decode(path: string, format: EventFormat, seconds: number): Promise<PeerAnswer> {
  const events = await countedEvents(path, format);
  const found = await rates(events, seconds, async () => {
    const again = await countedEvents(path, format);
    if (again !== events) throw new Error(`${path}: ${events} events, then ${again}`);
  });
  return { mode: 'fresh chunks', rates: found, events };
}

async function encode(path: string, format: EventFormat, seconds: number, out: string): Promise<PeerAnswer> {
  const recording = await openRecording(path, { format });
  const sensor = recording.sensor ?? { width: 256, height: 256 };
  const chunks: EventChunk[] = [];
  for await (const chunk of recording.chunks()) chunks.push(chunk);
  const events = chunks.reduce((sum, { t }) => sum + t.length, 0);
  const found = await rates(events, seconds, async () => {
    await writeRecording(out, chunks, { format, sensor });
  });
  return { mode: 'to a file', rates: found, events };
}

async function answer(line: string): Promise<PeerAnswer> {
  const [work, name, seconds, path = '', out = ''] = line.split('\t');
  const format = sequentialFormats.find((candidate) => candidate.name === name);
  if (format === undefined) return { absent: `no format ${name}` };
  return work === 'encode'
    ? encode(path, format, Number(seconds), out)
    : decode(path, format, Number(seconds));
}

const implementation = IMPLEMENTATIONS.find((name) => name === process.argv[2]);
const works = implementation !== undefined && useImplementation(implementation);
for await (const line of createInterface({ input: process.stdin })) {
  const said: PeerAnswer = works
    ? await answer(line).catch((error: Error) => ({ absent: error.message }))
    : { absent: 'does not work here' };
  console.log(JSON.stringify(said));
}
