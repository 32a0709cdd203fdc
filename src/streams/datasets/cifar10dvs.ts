import { basename } from 'node:path';
import { InputError } from '../../errors.ts';
import { type Member, openTree, type Tree } from '../archives/tree.ts';
import type { DecodeOptions } from '../formats/format.ts';
import { openRecording } from '../recording-file.ts';
import { cifar10ClassNames } from './cifar10.ts';
import { createDataset, type Dataset, type LabelledRecording } from './dataset.ts';
import { memberRecording } from './member-recording.ts';

const sensor = { width: 128, height: 128 };

/** Files that stand beside recordings; whatever else there is has its format told by its content. */
const OTHER_FILES = /\.(txt|md|csv|json|m|mat|py|pdf|html?|xml|log|png|jpe?g|db)$/i;

export interface Cifar10DvsOptions {
  /** How AEDAT 2.0 files are turned; default `display`, as the set is shown. AEDAT 4 files are as their maker left them. */
  readonly orientation?: NonNullable<DecodeOptions['orientation']>;
}

/**
 * CIFAR10-DVS (Li et al. 2017), or other recordings of 128 x 128 pixels in folders by class: the original `airplane/cifar10_airplane_0.aedat`
 * or the set converted to AEDAT 4, as folders, as `airplane.zip` and so on, or in one archive.
 */
export async function openCifar10Dvs(
  path: string,
  { orientation = 'display' }: Cifar10DvsOptions = {},
): Promise<Dataset<LabelledRecording>> {
  const tree = await openTree(path);
  try {
    const classes = byClass(tree, path);
    const found = [...classes.keys()];
    const real = found.every((name) => cifar10ClassNames.includes(name));
    const classNames = real ? cifar10ClassNames : found.sort();
    const simulated = await isSimulated(classes);
    const all = classNames.flatMap((name, label) =>
      [...(classes.get(name) ?? [])].map(([sample, member]) =>
        memberRecording(member, { id: `${name}/${sample}`, label, sensor, orientation, simulated }),
      ),
    );
    return createDataset({
      name: real ? 'CIFAR10-DVS' : basename(path),
      classNames,
      simulated,
      size: sensor,
      parts: { all },
      close: () => tree.close(),
    });
  } catch (error) {
    await tree.close();
    throw error;
  }
}

/** Recordings of a class by their names. */
type Classes = Map<string, Map<string, Member>>;

function byClass(tree: Tree, path: string): Classes {
  const classes: Classes = new Map();
  for (const member of tree.members) {
    const [, className, file] = /(?:^|\/)([^/]+)\/([^/]+)$/.exec(member.name) ?? [];
    if (className === undefined || file === undefined || OTHER_FILES.test(file)) continue;
    const recordings = classes.get(className) ?? new Map<string, Member>();
    const sample = file.replace(/\.[^.]*$/, '');
    // An archive and its content may lie side by side.
    if (!recordings.has(sample)) recordings.set(sample, member);
    classes.set(className, recordings);
  }
  if (classes.size === 0) {
    throw new InputError(
      `expected recordings in folders by class (airplane/cifar10_airplane_0.aedat), found ${tree.members.length} other files`,
      path,
    );
  }
  return classes;
}

/** Whether the set's first file says so: nobody mixes real and simulated recordings in one set. */
async function isSimulated(classes: Classes): Promise<boolean> {
  const [recordings] = classes.values();
  const [first] = recordings?.values() ?? [];
  return first?.file !== undefined && (await openRecording(first.file)).simulated;
}
