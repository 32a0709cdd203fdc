import { createHash } from 'node:crypto';
import { access, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { OptionError } from '../../errors.ts';
import type { LabelledImage } from '../../events.ts';
import { expecting } from '../archives/expecting.ts';
import { arrowEvents } from '../formats/arrow.ts';
import { openRecording, writeRecording } from '../recording-file.ts';
import { shapeImage, shapeNames, shapeToken } from '../shapes.ts';
import { DvsSimulator, type SimulatorOptions, simulatorVersion } from '../simulator.ts';
import { createDataset, type Dataset, type ImageToken, type LabelledRecording } from './dataset.ts';
import { stratifiedSample } from './split.ts';

export interface SimulatedShapesOptions extends SimulatorOptions {
  /** Recordings, the ten classes in turn; default 600. */
  readonly count?: number;
}

/**
 * Simulated recordings of the generated shapes, computed whenever their chunks are pulled: at 48 x 48 that takes no
 * longer than reading a file.
 */
export async function openSimulatedShapes({
  count = 600,
  ...options
}: SimulatedShapesOptions = {}): Promise<Dataset<LabelledRecording>> {
  if (!Number.isInteger(count) || count < 1) {
    throw new OptionError(`simulated shapes: expected a count of 1 or more, found ${count}`);
  }
  const simulator = new DvsSimulator(options);
  const { sensor, seed } = simulator.settings;
  const all = Array.from({ length: count }, (_, index): LabelledRecording => {
    const { id, label } = shapeToken(index);
    return {
      id,
      label,
      sensor,
      simulated: true,
      async *chunks() {
        yield* simulator.record(shapeImage(index, { size: sensor, seed }));
      },
    };
  });
  return createDataset({
    name: 'simulated shapes',
    classNames: shapeNames,
    simulated: true,
    size: sensor,
    parts: { all },
  });
}

export interface SimulatedImagesOptions extends SimulatorOptions {
  /** Where event files are kept for the next run; made where it does not exist. */
  readonly cacheDir: string;
  /** Images to take of all, the classes in proportion; default all. */
  readonly limit?: number;
}

/** Simulated recordings of images: each is simulated when first pulled, then read from its event file. */
export async function openSimulatedImages(
  images: Dataset<ImageToken>,
  { cacheDir, limit, ...options }: SimulatedImagesOptions,
): Promise<Dataset<LabelledRecording>> {
  await mkdir(cacheDir, { recursive: true }).catch(expecting('a folder that can be written', cacheDir));
  const simulator = new DvsSimulator(options);
  const { all, train, test } = images.parts;
  const simulate = (tokens: readonly ImageToken[] = []): LabelledRecording[] => {
    const share =
      limit === undefined ? tokens.length : Math.round((limit * tokens.length) / (all?.length ?? 1));
    const taken = share < tokens.length ? stratifiedSample(tokens, share, simulator.settings.seed) : tokens;
    return taken.map((token) => simulatedImage(token, simulator, cacheDir));
  };
  const parts =
    train === undefined && test === undefined
      ? { all: simulate(all) }
      : { train: simulate(train), test: simulate(test) };
  return createDataset({
    name: `simulated ${images.name}`,
    classNames: images.classNames,
    simulated: true,
    size: simulator.settings.sensor,
    parts,
    close: () => images.close(),
  });
}

function simulatedImage(token: ImageToken, simulator: DvsSimulator, cacheDir: string): LabelledRecording {
  const { id, label } = token;
  const { sensor } = simulator.settings;
  let file: string | undefined;
  const ensureFile = async (): Promise<string> => {
    const image = await token.load();
    const path = join(cacheDir, `${cacheKey(image, simulator)}.arrow`);
    const kept = await access(path).then(
      () => true,
      () => false,
    );
    if (!kept) {
      await writeRecording(path, simulator.record(image), { format: arrowEvents, sensor, simulated: true });
    }
    return path;
  };
  return {
    id,
    label,
    sensor,
    simulated: true,
    // The file is named after all that its events hang on.
    contentKey: async () => {
      file ??= await ensureFile();
      return basename(file);
    },
    async *chunks() {
      file ??= await ensureFile();
      yield* (await openRecording(file, { id, label, sensor })).chunks();
    },
  };
}

/** Names everything that the events hang on. */
function cacheKey(image: LabelledImage, simulator: DvsSimulator): string {
  const { id, width, height, channels } = image;
  const facts = { simulatorVersion, settings: simulator.settings, id, width, height, channels };
  return createHash('sha256').update(JSON.stringify(facts)).update(image.pixels).digest('hex');
}
