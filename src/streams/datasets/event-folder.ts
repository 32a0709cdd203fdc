import { basename } from 'node:path';
import { InputError } from '../../errors.ts';
import type { SensorSize } from '../../events.ts';
import { type Member, openTree, type Tree } from '../archives/tree.ts';
import type { DecodeOptions } from '../formats/format.ts';
import { openRecording } from '../recording-file.ts';
import { createDataset, type Dataset, type LabelledRecording } from './dataset.ts';
import { memberRecording } from './member-recording.ts';

/** Files that stand beside recordings; whatever else there is has its format told by its content. */
const OTHER_FILES =
  /\.(md|json|m|mat|py|pdf|html?|xml|log|png|jpe?g|gif|mp4|db|ini|ya?ml)$|(^|\/)readme[^/]*$/i;

/** The part where there is one, the class, the file: `train/cat/one.aedat`, `my-test-2/cat/one.aedat`, `cat/one.aedat`. */
const RECORDING = /(?:(?:^|[/_-])(train|test)[^/]*)?(?:^|\/)([^/]+)\/([^/]+)$/i;

export interface EventFolderOptions {
  /** Name of the set; default the folder's. */
  readonly name?: string;
  /** Size of the sensor of all recordings; default what the first one's file says. */
  readonly sensor?: SensorSize;
  /** Classes in the order of their indices; recordings of others are left out. Default: the folders, by name. */
  readonly classNames?: readonly string[];
  /** How DVS128 files of AEDAT 2.0 are turned. */
  readonly orientation?: NonNullable<DecodeOptions['orientation']>;
  /** Endings of the recordings' names, in lower case; default: all files but those of other kinds. */
  readonly endings?: readonly string[];
  /** What was expected, for the error where there is none of it. */
  readonly expected?: string;
}

/** A recording with its place in the set. */
interface Found {
  readonly member: Member;
  readonly part: 'train' | 'test' | undefined;
  readonly className: string;
  readonly sample: string;
}

/**
 * Event recordings of any format in folders by class (`cat/one.aedat`), or in `train` and `test` folders of such
 * folders; also in zip and tar archives. Recordings are decoded when their chunks are pulled.
 */
export async function openEventFolder(
  path: string,
  options: EventFolderOptions = {},
): Promise<Dataset<LabelledRecording>> {
  const tree = await openTree(path);
  try {
    const found = findRecordings(tree, options);
    if (found.length === 0) {
      const { expected = 'event recordings in folders by class (cat/one.aedat)' } = options;
      throw new InputError(`expected ${expected}, found ${tree.members.length} other files`, path);
    }
    const classNames = options.classNames ?? [...new Set(found.map(({ className }) => className))].sort();
    const first = await firstFacts(found, options);
    const { orientation, sensor = first.sensor } = options;
    const parts = {
      all: [] as LabelledRecording[],
      train: [] as LabelledRecording[],
      test: [] as LabelledRecording[],
    };
    for (const { member, part, className, sample } of found) {
      const recording = memberRecording(member, {
        id: [part, className, sample].filter(Boolean).join('/'),
        label: classNames.indexOf(className),
        simulated: first.simulated,
        ...(sensor === undefined ? {} : { sensor }),
        ...(orientation === undefined ? {} : { orientation }),
      });
      parts.all.push(recording);
      if (part !== undefined) parts[part].push(recording);
    }
    return createDataset({
      name: options.name ?? basename(path),
      classNames,
      simulated: first.simulated,
      ...(sensor === undefined ? {} : { size: sensor }),
      parts,
      close: () => tree.close(),
    });
  } catch (error) {
    await tree.close();
    throw error;
  }
}

function findRecordings(tree: Tree, { classNames, endings }: EventFolderOptions): Found[] {
  const found = new Map<string, Found>();
  for (const member of tree.members) {
    const [, part, className, file] = RECORDING.exec(member.name) ?? [];
    if (className === undefined || file === undefined || OTHER_FILES.test(member.name)) continue;
    if (classNames !== undefined && !classNames.includes(className)) continue;
    if (endings !== undefined && !endings.some((ending) => file.toLowerCase().endsWith(ending))) continue;
    const sample = file.replace(/\.[^.]*$/, '');
    const place = part?.toLowerCase() as Found['part'];
    // An archive and its content may lie side by side.
    const key = JSON.stringify([place, className, sample]);
    if (!found.has(key)) found.set(key, { member, part: place, className, sample });
  }
  return [...found.values()];
}

/** What the set's first file says of itself: nobody mixes real and simulated recordings, or sensors, in one set. */
async function firstFacts(
  [first]: readonly Found[],
  options: EventFolderOptions,
): Promise<{ sensor?: SensorSize; simulated: boolean }> {
  const { file } = first!.member;
  if (file === undefined) return { simulated: false };
  const { orientation } = options;
  const { sensor, simulated } = await openRecording(file, orientation === undefined ? {} : { orientation });
  return { simulated, ...(sensor === undefined ? {} : { sensor }) };
}
