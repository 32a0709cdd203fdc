import { InputError } from '../errors.ts';
import type { SensorSize } from '../events.ts';
import type { DecodedRecording } from '../streams/decoding.ts';
import type { AnyFormat } from '../streams/formats/format.ts';
import type { RecordingOptions } from '../streams/recording-file.ts';

/** A recording that a command reads; `bytes` where it is a file. */
export interface Input extends DecodedRecording {
  readonly format: AnyFormat;
  readonly bytes?: number;
}

/** The recording of a path, or of standard input for `-`, which can be read once. */
export async function openInput(path: string, reading: RecordingOptions): Promise<Input> {
  const { openRecording, recordingFromPipe } = await import('../streams/recording-file.ts');
  return path === '-' ? recordingFromPipe(process.stdin, reading) : openRecording(path, reading);
}

/** The smallest sensor that all events of a file fall on, which is read for that; standard input comes once. */
export async function measuredSensor(path: string, recording: DecodedRecording): Promise<SensorSize> {
  if (path === '-') {
    throw new InputError('the input does not say how large its sensor is; give --sensor WxH', path);
  }
  const { summarizeRecording } = await import('../streams/summarize.ts');
  const { xRange, yRange } = await summarizeRecording(recording);
  if (xRange === undefined || yRange === undefined) throw new InputError('expected events, found none', path);
  return { width: xRange[1] + 1, height: yRange[1] + 1 };
}
