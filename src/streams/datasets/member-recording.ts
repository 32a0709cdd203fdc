import type { SensorSize } from '../../events.ts';
import type { Member } from '../archives/tree.ts';
import { openRecording, type RecordingOptions, recordingFromBytes } from '../recording-file.ts';
import type { LabelledRecording } from './dataset.ts';

/** What a dataset knows of a recording before it is read. */
export type KnownRecording = RecordingOptions & {
  readonly id: string;
  readonly label: number;
  readonly sensor: SensorSize;
};

/** A recording in a file or archive of a dataset, opened when its chunks are pulled. */
export function memberRecording(member: Member, known: KnownRecording): LabelledRecording {
  const { id, label, sensor, simulated = false } = known;
  const { file } = member;
  if (file === undefined) {
    return { ...recordingFromBytes(() => member.read(), { ...known, path: member.where }), id, label };
  }
  return {
    id,
    label,
    sensor,
    simulated,
    async *chunks() {
      yield* (await openRecording(file, known)).chunks();
    },
  };
}
