import { from, type Observable } from 'rxjs';
import { InputError } from '../../errors.ts';
import type { LabelledImage, Recording, SensorSize } from '../../events.ts';
import type { CacheableRecording } from '../sample-cache/cacheable-recording.ts';

/** A recording or image that is known by name and class before it is read. */
export interface Labelled {
  readonly id: string;
  readonly label: number;
}

/** A recording with its class. */
export type LabelledRecording = Recording & Labelled & CacheableRecording;

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

/** What makes a dataset, its tokens in their order. */
export type DatasetFacts<Token extends Labelled> = Omit<Dataset<Token>, 'stream' | 'close'> & {
  readonly close?: () => Promise<void>;
};

/** A dataset from its facts: empty parts are absent, and `all` is every token where the facts do not say. */
export function createDataset<Token extends Labelled>(facts: DatasetFacts<Token>): Dataset<Token> {
  const { train = [], test = [], all = [...train, ...test] } = facts.parts;
  const parts = {
    all,
    ...(train.length > 0 ? { train } : {}),
    ...(test.length > 0 ? { test } : {}),
  };
  return {
    ...facts,
    parts,
    stream(part) {
      const tokens = parts[part];
      if (tokens === undefined)
        throw new InputError(`${facts.name} has no ${part} part of its own: split it`);
      return from(tokens);
    },
    close: facts.close ?? (() => Promise.resolve()),
  };
}
