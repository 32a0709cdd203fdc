import { FormatError, InputError } from '../../errors.ts';
import { type Member, openTree, type Tree } from '../archives/tree.ts';
import { createDataset, type Dataset, type LabelledRecording } from './dataset.ts';
import { memberRecording } from './member-recording.ts';

type Part = 'train' | 'test';

const sensor = { width: 34, height: 34 };

/**
 * N-MNIST (Orchard et al. 2015): the official `Train/0/00002.bin`, or SLAYER's selection of `1.bs2` beside a
 * `train1K.txt` of samples and classes; as folders, or in zip and tar.gz archives.
 */
export async function openNmnist(path: string): Promise<Dataset<LabelledRecording>> {
  const tree = await openTree(path);
  try {
    const parts = { train: new Map<string, LabelledRecording>(), test: new Map<string, LabelledRecording>() };
    collectOfficial(tree, parts);
    await collectListed(tree, parts);
    if (parts.train.size + parts.test.size === 0) {
      throw new InputError(
        `expected N-MNIST (Train/0/*.bin or *.bs2 with train*.txt), found ${tree.members.length} other files`,
        path,
      );
    }
    return createDataset({
      name: 'N-MNIST',
      classNames: Array.from({ length: 10 }, (_, digit) => String(digit)),
      simulated: false,
      size: sensor,
      parts: { train: [...parts.train.values()], test: [...parts.test.values()] },
      close: () => tree.close(),
    });
  } catch (error) {
    await tree.close();
    throw error;
  }
}

/** Recordings by id: a folder may hold an archive and its content side by side. */
type Found = Record<Part, Map<string, LabelledRecording>>;

function add(found: Found, part: Part, sample: string, label: number, member: Member): void {
  const id = `${part}/${sample}`;
  if (!found[part].has(id)) found[part].set(id, memberRecording(member, { id, label, sensor }));
}

/** The class is the folder. */
function collectOfficial(tree: Tree, found: Found): void {
  for (const member of tree.members) {
    const [, part, digit, sample] = /(?:^|\/)(Train|Test)\/(\d)\/([^/]+)\.bin$/i.exec(member.name) ?? [];
    if (part === undefined) continue;
    add(found, part.toLowerCase() as Part, `${digit}/${sample}`, Number(digit), member);
  }
}

/** The classes stand in a list; a list may name more samples than lie beside it, since archives repeat it. */
async function collectListed(tree: Tree, found: Found): Promise<void> {
  const members = new Map(tree.members.map((member) => [member.name, member]));
  for (const list of tree.members) {
    const [, folder, part] = /^(.*\/|)(train|test)[^/]*\.txt$/i.exec(list.name) ?? [];
    if (folder === undefined || part === undefined) continue;
    for (const { sample, label } of await readList(list)) {
      const member = members.get(`${folder}${sample}.bs2`) ?? members.get(`${folder}${sample}.bin`);
      if (member !== undefined) add(found, part.toLowerCase() as Part, sample, label, member);
    }
  }
}

/** Rows `sample <tab> class`; lines that start with `#` are headings. */
async function readList(list: Member): Promise<{ sample: string; label: number }[]> {
  const text = Buffer.from(await list.read()).toString('latin1');
  const rows: { sample: string; label: number }[] = [];
  let byteOffset = 0;
  for (const line of text.split('\n')) {
    const row = line.trim();
    if (row !== '' && !row.startsWith('#')) {
      const [, sample, label] = /^(\d+)\s+(\d)$/.exec(row) ?? [];
      if (sample === undefined) {
        const fault = `label list: expected "sample class", found ${JSON.stringify(row.slice(0, 40))}`;
        throw new FormatError(fault, { path: list.where, byteOffset });
      }
      rows.push({ sample, label: Number(label) });
    }
    byteOffset += line.length + 1;
  }
  return rows;
}
