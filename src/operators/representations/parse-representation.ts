import { OptionError } from '../../errors.ts';
import { choiceOption, integerOption, numberOption, type Options } from '../../options.ts';
import { nameIn, parseNamedOptions, validatedOptions } from '../named-options.ts';
import type { Representation } from './representation.ts';

/** A representation by name: what commands, help and programs know of it. */
export interface RepresentationDefinition {
  /** Kebab case: the kind of the representation. */
  readonly name: Representation['kind'];
  /** What a frame holds, in one line. */
  readonly summary: string;
  /** How it is written on the command line. */
  readonly example: string;
  /** Options by name, camel case. */
  readonly options: Options;
  /** Options that must be given. */
  readonly required: readonly string[];
}

const tauMicros = numberOption({ help: 'time constant', unit: 'us', above: 0 });

/** Every representation that has a name. */
export const representationDefinitions: readonly RepresentationDefinition[] = [
  {
    name: 'counted',
    summary: 'events of each pixel and polarity',
    example: 'counted',
    options: {},
    required: [],
  },
  {
    name: 'binary',
    summary: '1 where a pixel and polarity had an event',
    example: 'binary',
    options: {},
    required: [],
  },
  {
    name: 'time-surface',
    summary: 'exp(-age / tau) of the last event of each pixel and polarity',
    example: 'time-surface:tau-micros=50000',
    options: { tauMicros },
    required: ['tauMicros'],
  },
  {
    name: 'averaged-time-surface',
    summary: 'mean surface of the events of each cell and polarity (HATS)',
    example: 'averaged-time-surface:window-micros=10000,tau-micros=5000',
    options: {
      windowMicros: numberOption({ help: 'how far back events are seen', unit: 'us', min: 0 }),
      tauMicros,
      cellSize: integerOption({ help: 'side of a cell', unit: 'pixels', min: 1, default: 10 }),
      surfaceSize: integerOption({ help: 'side of a surface, odd', unit: 'pixels', min: 1, default: 5 }),
      decay: choiceOption(['exponential', 'linear'], { help: 'weight by age', default: 'exponential' }),
    },
    required: ['windowMicros', 'tauMicros'],
  },
  {
    name: 'voxel-grid',
    summary: 'polarities over planes in time, with bilinear weights',
    example: 'voxel-grid:bins=5',
    options: { bins: integerOption({ help: 'planes of a bin', min: 1, max: 1000 }) },
    required: ['bins'],
  },
  {
    name: 'binary-representation',
    summary: 'a number whose bits are the parts of the bin that had an event',
    example: 'binary-representation:bits=8',
    options: { bits: integerOption({ help: 'parts of a bin', min: 1, max: 24 }) },
    required: ['bits'],
  },
];

/** The representation that a text asks for: `voxel-grid:bins=5`. Throws an OptionError in one line. */
export function parseRepresentation(text: string): Representation {
  const name = nameIn(text);
  const definition = representationDefinitions.find((candidate) => candidate.name === name);
  if (definition === undefined) {
    const names = representationDefinitions.map((candidate) => candidate.name).join(', ');
    throw new OptionError(
      `representation ${JSON.stringify(name)}: no such representation; expected one of ${names}`,
    );
  }
  const { options, required, example } = definition;
  const subject = `representation ${name}`;
  const { given } = parseNamedOptions(text, subject, example);
  // Validated by the schemas of its options, whose names are those of the kind.
  return { kind: name, ...validatedOptions(subject, options, required, given) } as unknown as Representation;
}
