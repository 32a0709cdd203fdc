import { openFileSink } from './file-sink.ts';
import { jsonOf, type PredictionOutput } from './output.ts';

/** A file of JSON lines, a line a prediction; what the file held stays. */
export async function openJsonLines(path: string): Promise<PredictionOutput> {
  const file = await openFileSink(path, 'append');
  return {
    place: path,
    write: (prediction) => file.write(`${JSON.stringify(jsonOf(prediction))}\n`),
    close: () => file.end(),
  };
}
