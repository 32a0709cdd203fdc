import type { FilterDefinition } from '../definition.ts';
import { cleaningFilters } from './cleaning.ts';
import { disturbingFilters } from './disturbing.ts';
import { placeFilters } from './places.ts';
import { thinningFilters } from './thinning.ts';
import { polarityFilters, timeFilters } from './times.ts';

/** Every filter that has a name, in groups: places, polarity, time, cleaning, thinning, disturbance. */
export const filterDefinitions: readonly FilterDefinition[] = [
  ...placeFilters,
  ...polarityFilters,
  ...timeFilters,
  ...cleaningFilters,
  ...thinningFilters,
  ...disturbingFilters,
];
