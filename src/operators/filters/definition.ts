import { OptionError } from '../../errors.ts';
import type { SensorSize } from '../../events.ts';
import type { Option, Options } from '../../options.ts';
import { validatedOptions } from '../named-options.ts';
import type { EventFilter } from './filter-chain.ts';
import type { FilterStage } from './filter-stage.ts';

/** A filter by name: what commands, help and programs know of it. */
export interface FilterDefinition {
  /** Kebab case, as on the command line; the library's operator has it in camel case. */
  readonly name: string;
  /** What it does, in one line. */
  readonly summary: string;
  /** How it is written on the command line. */
  readonly example: string;
  /** Options by name, camel case; on the command line in either case. */
  readonly options: Options;
  /** Options that must be given. */
  readonly required: readonly string[];
  /** True where it needs the sensor's size. */
  readonly needsSensor: boolean;
  /** The filter with these options: text, as on the command line, or typed values; throws an OptionError in one line. */
  configure(given: Readonly<Record<string, unknown>>, text?: string): EventFilter;
}

/** The part that a filter's author writes; `P` are the options of its class. */
interface FilterAuthor<P extends object> {
  readonly name: string;
  readonly summary: string;
  readonly example: string;
  readonly options: Readonly<Record<Exclude<keyof P & string, 'sensor'>, Option<unknown>>>;
  readonly required?: readonly Exclude<keyof P & string, 'sensor'>[];
  create(options: P): FilterStage;
  /** Sensor of what comes out; default the same. */
  sensorAfter?(sensor: SensorSize, options: P): SensorSize;
  /** True where it works without the sensor's size. */
  readonly anySensor?: boolean;
}

/** Makes a filter's definition: adds validation, and errors that name the filter. */
export function defineFilter<P extends object>(author: FilterAuthor<P>): FilterDefinition {
  const { name, options, required = [], anySensor = false } = author;
  const withSensor = (values: object, sensor: SensorSize | undefined): P => {
    if (sensor === undefined && !anySensor) {
      throw new OptionError(`filter ${name}: needs the size of the sensor, which is not known here`);
    }
    // Validated by the schemas of its options, whose names are P's.
    return { ...values, sensor } as unknown as P;
  };
  return {
    name,
    summary: author.summary,
    example: author.example,
    options,
    required,
    needsSensor: !anySensor,
    configure: (given, text = name) => {
      const values = validatedOptions(`filter ${name}`, options, required, given);
      return {
        name,
        text,
        sensorAfter: (sensor) =>
          sensor === undefined || author.sensorAfter === undefined
            ? sensor
            : author.sensorAfter(sensor, withSensor(values, sensor)),
        create: (sensor) => author.create(withSensor(values, sensor)),
      };
    },
  };
}
