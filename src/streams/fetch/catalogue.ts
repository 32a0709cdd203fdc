import { OptionError } from '../../errors.ts';

/** A file of a data set where its makers put it. */
export interface RemoteFile {
  readonly name: string;
  /** Where it is downloaded; absent where the official place gives files to people only. */
  readonly url?: string;
  /** Length, where it is publicly documented. */
  readonly bytes?: number;
  readonly md5?: string;
  readonly sha256?: string;
}

/** A data set that can be fetched. */
export interface CatalogueEntry {
  readonly name: string;
  readonly title: string;
  /** The makers' page, where the licence stands. */
  readonly page: string;
  /** The licence in a few words, as far as it is known here. */
  readonly licence: string;
  readonly files: readonly RemoteFile[];
}

const MENDELEY = 'https://data.mendeley.com/public-files/datasets';
const FIGSHARE = 'https://ndownloader.figshare.com/files';
const MNIST = 'https://ossci-datasets.s3.amazonaws.com/mnist';

/** Classes of CIFAR10-DVS with figshare's number and MD5 of each archive (article 4724671). */
const CIFAR10_DVS = [
  ['airplane', 7712788, '0afd5c4bf9ae06af762a77b180354fdd'],
  ['automobile', 7712791, '8438dfeba3bc970c94962d995b1b9bdd'],
  ['bird', 7712794, 'a9c207c91c55b9dc2002dc21c684d785'],
  ['cat', 7712812, '52c63c677c2b15fa5146a8daf4d56687'],
  ['deer', 7712815, 'b6bf21f6c04d21ba4e23fc3e36c8a4a3'],
  ['dog', 7712818, 'f379ebdf6703d16e0a690782e62639c3'],
  ['frog', 7712842, 'cad6ed91214b1c7388a5f6ee56d08803'],
  ['horse', 7712851, 'e7cbbf77bec584ffbf913f00e682782a'],
  ['ship', 7712836, '41c7bd7d6b251be82557c6cce9a7d5c9'],
  ['truck', 7712839, '89f3922fd147d9aeff89e76a2b0b70a7'],
] as const;

const SEE_PAGE = 'as its page says';

/**
 * The data sets with their official places. Lengths and checksums are those that are publicly documented; where none
 * is, the length that the server announces is checked, and the SHA-256 of what came is told.
 */
export const catalogue: readonly CatalogueEntry[] = [
  {
    name: 'nmnist',
    title: 'N-MNIST (Orchard et al. 2015)',
    page: 'https://www.garrickorchard.com/datasets/n-mnist',
    licence: SEE_PAGE,
    files: [
      {
        name: 'Train.zip',
        url: `${MENDELEY}/468j46mzdv/files/39c25547-014b-4137-a934-9d29fa53c7a0/file_downloaded`,
        md5: '20959b8e626244a1b502305a9e6e2031',
        sha256: '1a54ee392a5e5082a0bef52911cd9211f63b950a4905ccd8890553804d3335f9',
      },
      {
        name: 'Test.zip',
        url: `${MENDELEY}/468j46mzdv/files/05a4d654-7e03-4c15-bdfa-9bb2bcbea494/file_downloaded`,
        md5: '69ca8762b2fe404d9b9bad1103e97832',
        sha256: '6ecfd5d85dbb49a631961d8dc3101871c5be53e645004ee34064f6557d169f09',
      },
    ],
  },
  {
    name: 'ncaltech101',
    title: 'N-Caltech101 (Orchard et al. 2015)',
    page: 'https://www.garrickorchard.com/datasets/n-caltech101',
    licence: SEE_PAGE,
    // The MD5 that is documented, 66201824eabb0239c7ab992480b50ba3, is that of Caltech101.zip, which may be inside.
    files: [
      {
        name: 'N-Caltech101-archive.zip',
        url: `${MENDELEY}/cy6cvx3ryv/files/36b5c52a-b49d-4853-addb-a836a8883e49/file_downloaded`,
      },
    ],
  },
  {
    name: 'ncars',
    title: 'N-CARS (Sironi et al. 2018)',
    page: 'https://www.prophesee.ai/2018/03/13/dataset-n-cars/',
    licence: SEE_PAGE,
    files: [
      {
        name: 'Prophesee_Dataset_n_cars.zip',
        url: 'https://downloads.prophesee.ai/website/resources/Prophesee_Dataset_n_cars.zip',
        md5: '553ce464d6e5e617b3c21ce27c19368e',
      },
    ],
  },
  {
    name: 'cifar10dvs',
    title: 'CIFAR10-DVS (Li et al. 2017), AEDAT 2.0',
    page: 'https://doi.org/10.6084/m9.figshare.4724671',
    licence: SEE_PAGE,
    files: CIFAR10_DVS.map(([name, id, md5]) => ({ name: `${name}.zip`, url: `${FIGSHARE}/${id}`, md5 })),
  },
  {
    name: 'cifar10dvs-aedat4',
    title: 'CIFAR10-DVS converted to AEDAT 4 by the makers of Tonic',
    page: 'https://figshare.com/ndownloader/files/38023437',
    licence: SEE_PAGE,
    files: [
      {
        name: 'CIFAR10DVS.zip',
        url: `${FIGSHARE}/38023437`,
        md5: 'ce3a4a0682dc0943703bd8f749a7701c',
      },
    ],
  },
  {
    name: 'dvs128gesture',
    title: 'DVS128 Gesture (Amir et al. 2017)',
    page: 'https://ibm.ent.box.com/s/3hiq58ww1pbbjrinh367ykfdf60xsfm8/folder/50167556794',
    licence: SEE_PAGE,
    files: [{ name: 'DvsGesture.tar.gz', md5: '8a5c71fb11e24e5ca5b11866ca6c00a1' }],
  },
  {
    name: 'mnist',
    title: 'MNIST (LeCun, Cortes, Burges)',
    page: 'http://yann.lecun.com/exdb/mnist/',
    licence: SEE_PAGE,
    files: [
      {
        name: 'train-images-idx3-ubyte.gz',
        url: `${MNIST}/train-images-idx3-ubyte.gz`,
        bytes: 9912422,
        md5: 'f68b3c2dcbeaaa9fbdd348bbdeb94873',
      },
      {
        name: 'train-labels-idx1-ubyte.gz',
        url: `${MNIST}/train-labels-idx1-ubyte.gz`,
        bytes: 28881,
        md5: 'd53e105ee54ea40749a09fcbcd1e9432',
      },
      {
        name: 't10k-images-idx3-ubyte.gz',
        url: `${MNIST}/t10k-images-idx3-ubyte.gz`,
        bytes: 1648877,
        md5: '9fb629c4189551a2d022fa330f9573f3',
      },
      {
        name: 't10k-labels-idx1-ubyte.gz',
        url: `${MNIST}/t10k-labels-idx1-ubyte.gz`,
        bytes: 4542,
        md5: 'ec29112dd5afa0611ce80d1b7f02629c',
      },
    ],
  },
  {
    name: 'cifar10',
    title: 'CIFAR-10, binary version (Krizhevsky 2009)',
    page: 'https://www.cs.toronto.edu/~kriz/cifar.html',
    licence: SEE_PAGE,
    files: [
      {
        name: 'cifar-10-binary.tar.gz',
        url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
        bytes: 170052171,
        md5: 'c32a1d4ab5d03f1284b67883e8d87530',
        sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
      },
    ],
  },
];

/** The entry of a name; an unknown one throws OptionError naming the known ones. */
export function catalogueEntry(name: string): CatalogueEntry {
  const entry = catalogue.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  const known = catalogue.map((candidate) => candidate.name).join(', ');
  throw new OptionError(`no data set named ${JSON.stringify(name)}; there are ${known}`);
}
