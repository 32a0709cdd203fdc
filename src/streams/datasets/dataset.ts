import type { Observable } from 'rxjs';
import type { LabelledImage, Recording, SensorSize } from '../../events.ts';

/** A recording or image that is known by name and class before it is read. */
export interface Labelled {
  readonly id: string;
  readonly label: number;
}

/** A recording with its class. */
export type LabelledRecording = Recording & Labelled;

/** An image with its class, decoded when asked for. */
export interface ImageToken extends Labelled {
  load(): Promise<LabelledImage>;
}

/** A labelled set: small tokens in a fixed order, read lazily. */
export interface Dataset<Token extends Labelled> {
  readonly name: string;
  readonly classNames: readonly string[];
  /** True where no sensor saw the events. */
  readonly simulated: boolean;
  /** Parts that the set's makers fixed; a set without such parts has `all` only. */
  readonly parts: { readonly [part in 'all' | 'train' | 'test']?: readonly Token[] };
  /** Frame or sensor size; absent where it differs between tokens. */
  readonly size?: SensorSize;
  /** Emits the tokens of a part in their order. */
  stream(part: 'all' | 'train' | 'test'): Observable<Token>;
  /** Closes archives that the set holds open. */
  close(): Promise<void>;
}
