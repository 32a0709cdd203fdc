import type { Member } from '../archives/tree.ts';
import { openRecording, type RecordingOptions, recordingFromBytes } from '../recording-file.ts';
import type { LabelledRecording } from './dataset.ts';

/** What a dataset knows of a recording before it is read. */
export type KnownRecording = RecordingOptions & {
  readonly id: string;
  readonly label: number;
};

/** A recording in a file or archive of a dataset, opened when its chunks are pulled. */
export function memberRecording(member: Member, known: KnownRecording): LabelledRecording {
  const { id, label, sensor, simulated = false } = known;
  const { file } = member;
  const contentKey: LabelledRecording['contentKey'] = (hashFile) => keyOf(member, known, hashFile);
  if (file === undefined) {
    return {
      ...recordingFromBytes(() => member.read(), { ...known, path: member.where }),
      id,
      label,
      contentKey,
    };
  }
  return {
    id,
    label,
    simulated,
    ...(sensor === undefined ? {} : { sensor }),
    contentKey,
    async *chunks() {
      yield* (await openRecording(file, known)).chunks();
    },
  };
}

/** The content of the file, or of the archive and the name in it, and how it is decoded. */
async function keyOf(
  { file, archive, where }: Member,
  { sensor, orientation, fromMicros, toMicros }: KnownRecording,
  hashFile: (path: string) => Promise<string>,
): Promise<string> {
  const content =
    file === undefined ? [await hashFile(archive!), where.slice(archive!.length)] : await hashFile(file);
  return JSON.stringify([content, sensor, orientation, fromMicros, toMicros]);
}
