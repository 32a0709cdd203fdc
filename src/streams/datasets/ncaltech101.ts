import type { Dataset, LabelledRecording } from './dataset.ts';
import { openEventFolder } from './event-folder.ts';

/** Size of the ATIS crop that the set was recorded with; most recordings fill less of it. */
const sensor = { width: 240, height: 180 };

/**
 * N-Caltech101 (Orchard et al. 2015): `Caltech101/accordion/image_0001.bin`, as folders or in an archive. The classes
 * are the folders by name, `BACKGROUND_Google` among them; the set has no test part.
 */
export function openNcaltech101(path: string): Promise<Dataset<LabelledRecording>> {
  return openEventFolder(path, {
    name: 'N-Caltech101',
    sensor,
    endings: ['.bin'],
    expected: 'N-Caltech101 (Caltech101/accordion/image_0001.bin)',
  });
}
