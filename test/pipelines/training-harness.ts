import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pipeline, PipelineContext } from '../../pipelines/definition.ts';

/** What a run in this process said. */
export interface Capture {
  readonly context: PipelineContext;
  /** JSON lines. */
  readonly lines: Record<string, unknown>[];
  readonly text: string[];
  readonly notes: string[];
  readonly updates: string[];
}

/** A context that keeps what it is told; `onUpdate` sees every progress line and may abort. */
export function capture(
  json = true,
  onUpdate: (abort: () => void, updates: number) => void = () => {},
): Capture {
  const controller = new AbortController();
  const [lines, text, notes, updates]: [Record<string, unknown>[], string[], string[], string[]] = [
    [],
    [],
    [],
    [],
  ];
  const context: PipelineContext = {
    json,
    emit: (line) => lines.push(JSON.parse(JSON.stringify(line))),
    print: (line) => text.push(line),
    progress: {
      update: (line) => {
        updates.push(line);
        onUpdate(() => controller.abort(), updates.length);
      },
      note: (line) => notes.push(line),
      clear: () => {},
    },
    signal: controller.signal,
    requestExit: () => {},
  };
  return { context, lines, text, notes, updates };
}

/** Runs a pipeline in this process. */
export async function runCaptured(
  pipeline: Pipeline,
  given: Record<string, unknown>,
  captured: Capture = capture(),
): Promise<Capture> {
  await pipeline.start(given, captured.context);
  return captured;
}

/** The lines of a run's metrics without what a clock measured. */
export async function timelessMetrics(runDir: string): Promise<object[]> {
  const text = await readFile(join(runDir, 'metrics.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => timeless(JSON.parse(line)));
}

/** A line without what a clock measured. */
export function timeless({
  seconds,
  samplesPerSecond,
  ...rest
}: Record<string, unknown>): Record<string, unknown> {
  return rest;
}

/** A folder in N-MNIST's official layout: a digit is a column of pixels that fires, at its own place. */
export async function writeTinyNmnist(
  folder: string,
  perDigit: { train: number; test: number },
): Promise<void> {
  for (const [part, count] of [
    ['Train', perDigit.train],
    ['Test', perDigit.test],
  ] as const) {
    for (let digit = 0; digit < 10; digit++) {
      await mkdir(join(folder, part, String(digit)), { recursive: true });
      for (let sample = 0; sample < count; sample++) {
        const path = join(folder, part, String(digit), `${String(sample).padStart(5, '0')}.bin`);
        await writeFile(path, columnEvents(2 + 3 * digit, 6 + (sample % 5)));
      }
    }
  }
}

/** CIFAR-10 in its binary form, ten classes in turn: an image of class n is brightest in row 3 n. */
export async function writeTinyCifar10(
  folder: string,
  images: { train: number; test: number },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [file, count] of [
    ['data_batch_1.bin', images.train],
    ['test_batch.bin', images.test],
  ] as const) {
    const bytes = new Uint8Array(3073 * count);
    for (let image = 0; image < count; image++) {
      bytes[3073 * image] = image % 10;
      for (let plane = 0; plane < 3; plane++) {
        const row = 3073 * image + 1 + 1024 * plane + 32 * 3 * (image % 10);
        bytes.fill(200 + image, row, row + 64);
      }
    }
    await writeFile(join(folder, file), bytes);
  }
}

/** 40-bit events x, y, polarity and time: column `x` lit from row `top` down for 30 ms. */
function columnEvents(x: number, top: number): Uint8Array {
  const events = 240;
  const bytes = new Uint8Array(5 * events);
  for (let i = 0; i < events; i++) {
    const micros = 125 * i;
    const polarity = i % 2;
    bytes.set(
      [x, top + (i % 20), (polarity << 7) | (micros >> 16), (micros >> 8) & 255, micros & 255],
      5 * i,
    );
  }
  return bytes;
}
