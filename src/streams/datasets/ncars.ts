import type { Dataset, LabelledRecording } from './dataset.ts';
import { openEventFolder } from './event-folder.ts';

/** Largest crop of the set: each recording is cut around its object and has its own size. */
const sensor = { width: 120, height: 100 };

/**
 * N-CARS (Sironi et al. 2018): `n-cars_train/cars/obj_000001_td.dat` and `background` beside it, as folders or in
 * archives; the files do not say how large the crop is, coordinates begin at its upper left corner.
 */
export function openNcars(path: string): Promise<Dataset<LabelledRecording>> {
  return openEventFolder(path, {
    name: 'N-CARS',
    sensor,
    classNames: ['background', 'cars'],
    endings: ['.dat'],
    expected: 'N-CARS (n-cars_train/cars/obj_000001_td.dat)',
  });
}
