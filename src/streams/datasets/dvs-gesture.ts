import { FormatError, InputError } from '../../errors.ts';
import { type Member, openTree, type Tree } from '../archives/tree.ts';
import { createDataset, type Dataset, type LabelledRecording } from './dataset.ts';
import { memberRecording } from './member-recording.ts';

type Part = 'train' | 'test';

const sensor = { width: 128, height: 128 };

/** The gestures, as the set's `gesture_mapping.csv` numbers them from 1 on. */
const classNames = [
  'hand clapping',
  'right hand wave',
  'left hand wave',
  'right arm clockwise',
  'right arm counter clockwise',
  'left arm clockwise',
  'left arm counter clockwise',
  'arm roll',
  'air drums',
  'air guitar',
  'other gestures',
];

/** A gesture within a recording. */
export interface GestureSpan {
  /** Class index from 0. */
  readonly label: number;
  /** Microseconds on the clock of the recording: inclusive, exclusive. */
  readonly fromMicros: number;
  readonly toMicros: number;
}

/**
 * DVS128 Gesture (Amir et al. 2017): `user01_natural.aedat` beside `user01_natural_labels.csv`, which cuts it into
 * labelled samples, and `trials_to_train.txt` and `trials_to_test.txt`, which divide it by users; as a folder, or in
 * an archive. A sample decodes only its own part of the recording.
 */
export async function openDvsGesture(path: string): Promise<Dataset<LabelledRecording>> {
  const tree = await openTree(path);
  try {
    const trials = await readTrials(tree);
    const parts: Record<Part, LabelledRecording[]> = { train: [], test: [] };
    const all: LabelledRecording[] = [];
    for (const { trial, recording, labels } of recordings(tree)) {
      const part = trials.get(trial);
      if (trials.size > 0 && part === undefined) continue; // the makers left it out
      const samples = await samplesOf(trial, recording, labels);
      all.push(...samples);
      if (part !== undefined) parts[part].push(...samples);
    }
    if (all.length === 0) {
      throw new InputError(
        `expected DVS128 Gesture (user01_natural.aedat with user01_natural_labels.csv), found ${tree.members.length} other files`,
        path,
      );
    }
    return createDataset({
      name: 'DVS128 Gesture',
      classNames,
      simulated: false,
      size: sensor,
      parts: { all, ...parts },
      close: () => tree.close(),
    });
  } catch (error) {
    await tree.close();
    throw error;
  }
}

/** Reads a table `class,startTime_usec,endTime_usec`; a FormatError names the row that is not one. */
export function readGestureLabels(text: string, path: string): GestureSpan[] {
  const spans: GestureSpan[] = [];
  let byteOffset = 0;
  for (const [number, line] of text.split('\n').entries()) {
    const row = line.trim();
    const [, name, from, to] = /^(\d+)\s*,\s*(\d+)\s*,\s*(\d+)$/.exec(row) ?? [];
    const label = Number(name) - 1;
    if (row !== '' && !(number === 0 && row.startsWith('class'))) {
      if (from === undefined || label < 0 || label >= classNames.length || Number(to) < Number(from)) {
        const fault = `label table: class 1 to ${classNames.length}, start and end expected, found ${JSON.stringify(row.slice(0, 60))}`;
        throw new FormatError(fault, { path, byteOffset });
      }
      spans.push({ label, fromMicros: Number(from), toMicros: Number(to) });
    }
    byteOffset += line.length + 1;
  }
  return spans;
}

/** Which part each recording belongs to: `user01_fluorescent.aedat` a line. */
async function readTrials(tree: Tree): Promise<ReadonlyMap<string, Part>> {
  const trials = new Map<string, Part>();
  for (const member of tree.members) {
    const part = /(?:^|\/)trials_to_(train|test)\.txt$/i.exec(member.name)?.[1];
    if (part === undefined) continue;
    const text = Buffer.from(await member.read()).toString('latin1');
    for (const line of text.split('\n')) {
      const trial = line.trim().replace(/\.aedat$/i, '');
      if (trial !== '') trials.set(trial, part.toLowerCase() as Part);
    }
  }
  return trials;
}

/** Recordings with the labels beside them. */
function* recordings(tree: Tree): Generator<{ trial: string; recording: Member; labels: Member }> {
  const members = new Map(tree.members.map((member) => [member.name, member]));
  const seen = new Set<string>();
  for (const recording of tree.members) {
    const [, folder, trial] = /^(.*\/|)([^/]+)\.aedat$/i.exec(recording.name) ?? [];
    if (folder === undefined || trial === undefined) continue;
    const labels = members.get(`${folder}${trial}_labels.csv`);
    // An archive and its content may lie side by side.
    if (labels === undefined || seen.has(trial)) continue;
    seen.add(trial);
    yield { trial, recording, labels };
  }
}

async function samplesOf(trial: string, recording: Member, labels: Member): Promise<LabelledRecording[]> {
  const text = Buffer.from(await labels.read()).toString('latin1');
  const spans = readGestureLabels(text, labels.where);
  return spans.map(({ label, fromMicros, toMicros }, i) =>
    memberRecording(recording, { id: `${trial}/${i}`, label, sensor, fromMicros, toMicros }),
  );
}
