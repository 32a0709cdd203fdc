import { OptionError } from '../../../src/errors.ts';
import type { LiveInference, LivePrediction } from '../live-inference.ts';
import type { LoadedModel } from '../load-model.ts';

/** Where predictions go beside the terminal. */
export interface PredictionOutput {
  /** Where that is, for messages: a path, or an address with its token. */
  readonly place: string;
  /** Takes a prediction and never waits for whoever reads it. */
  write(prediction: LivePrediction): void;
  /** Writes what is left; fulfilled when it is written. */
  close(): Promise<void>;
}

/** What an output needs to know. */
export interface OutputContext {
  readonly model: Pick<LoadedModel, 'name' | 'feed' | 'layerNames'>;
  readonly cameras: readonly string[];
  /** What readers of an output may ask for. */
  readonly commands: Pick<LiveInference, 'reset'> & { readonly snapshot: () => void };
}

/** Opens the output that `--out` names: `ws://HOST:PORT`, a `.jsonl` or an `.arrows` file. */
export async function openOutput(target: string, context: OutputContext): Promise<PredictionOutput> {
  if (target.startsWith('ws://')) return (await import('./web-socket.ts')).serveWebSocket(target, context);
  if (target.endsWith('.jsonl')) return (await import('./json-lines-file.ts')).openJsonLines(target);
  if (target.endsWith('.arrows')) return (await import('./arrow-file.ts')).openArrowFile(target, context);
  throw new OptionError(
    `--out: expected ws://HOST:PORT or a file that ends in .jsonl or .arrows, found ${JSON.stringify(target)}`,
  );
}

/** A prediction as a JSON line: all of it but the spikes of single neurons. */
export function jsonOf({ raster: _, ...prediction }: LivePrediction): object {
  return { type: 'prediction', ...prediction };
}
