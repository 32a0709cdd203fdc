import type { Dataset, Entity, Group, Metadata } from 'h5wasm/node';
import type { SensorSize } from '../../../events.ts';
import { columnsOfNames, columnsOfOption, type EventColumns } from '../event-columns.ts';
import { bytesOfType, type NumberType } from '../table-chunks.ts';
import type { Hdf5Library } from './library.ts';

/** Where a column's values are: in a data set of their own, or in one that holds rows. */
export interface ColumnPlace {
  readonly dataset: Dataset;
  readonly type: NumberType;
  readonly littleEndian: boolean;
  /** Position in an element of the data set, and the element's bytes. */
  readonly offset: number;
  readonly elementBytes: number;
}

/** Where the events of a file are. */
export interface Hdf5Layout {
  /** Path of the group or data set. */
  readonly path: string;
  readonly t: ColumnPlace;
  readonly x: ColumnPlace;
  readonly y: ColumnPlace;
  readonly p: ColumnPlace;
  readonly rows: number;
  /** Rows that the library unpacks at once. */
  readonly chunkRows: number;
  readonly sensor: SensorSize | undefined;
  /** DSEC: microseconds that are added to all times. */
  readonly offsetMicros: number;
  /** DSEC: for each millisecond the first event that is not before it. */
  readonly millisIndex: Dataset | undefined;
}

/** Places that programs and data sets use: Metavision; DSEC, RPG and ESIM; evlib; MVSEC; M3ED; no group at all. */
const PATHS = ['/CD/events', '/events', '/raw_events', '/davis/left/events', '/prophesee/left', '/'];

/** Filters of the library that unpack; others are plug-ins it does not have. */
const FILTERS = new Set([1, 2, 3, 4, 5, 6]);
const FILTER_NAMES: Readonly<Record<number, string>> = {
  36559: "Prophesee's ECF codec: convert it with Metavision's tools, or read the RAW file",
  32001: 'Blosc',
  32004: 'LZ4',
  32015: 'Zstandard',
};

/** An integer, floating-point number or enumeration; a compound of named members. */
const CLASS = { integer: 0, float: 1, compound: 6, enumeration: 8 } as const;

/** Finds the events of a file; a RangeError where there are none that can be read. */
export function findEvents(library: Hdf5Library, file: Group, order: string | undefined): Hdf5Layout {
  for (const path of PATHS) {
    const entity = entityAt(library, file, path);
    const found =
      entity instanceof library.Dataset
        ? inRows(entity, order)
        : entity instanceof library.Group
          ? inColumns(library, entity)
          : undefined;
    if (found === undefined) continue;
    const { t, x, y, p, rows } = found;
    // evlib's raw events count x from the top and y from the left: 181 stands in y of a sensor of 180 lines.
    const [column, row] = path === '/raw_events' ? [y, x] : [x, y];
    for (const { dataset } of new Set([t, x, y, p])) checkFilters(dataset);
    const offset = entityAt(library, file, '/t_offset') ?? entityAt(library, file, `${path}/t_offset`);
    const index = ['/ms_to_idx', `${path}/ms_map_idx`].map((name) => entityAt(library, file, name));
    const millisIndex = index.find((candidate) => candidate instanceof library.Dataset);
    return {
      path,
      t,
      x: column,
      y: row,
      p,
      rows,
      chunkRows: Math.max(1, ...[t, x, y, p].map(({ dataset }) => dataset.metadata.chunks?.[0] ?? 1)),
      sensor: sizeOf([file, entity as Group | Dataset]),
      offsetMicros: offset instanceof library.Dataset ? Number(String(offset.value)) || 0 : 0,
      millisIndex: millisIndex instanceof library.Dataset ? millisIndex : undefined,
    };
  }
  throw new RangeError(
    `events under ${PATHS.slice(0, -1).join(', ')} expected, found ${file.keys().slice(0, 8).join(', ') || 'nothing'}`,
  );
}

/** What is at a path; the library throws for a path that goes on below a data set. */
function entityAt(library: Hdf5Library, file: Group, path: string): Entity | null {
  let entity: Entity | null = file;
  for (const name of path.split('/').filter((part) => part !== '')) {
    if (!(entity instanceof library.Group) || !entity.keys().includes(name)) return null;
    entity = entity.get(name);
  }
  return entity;
}

type Found = Pick<Hdf5Layout, 't' | 'x' | 'y' | 'p' | 'rows'>;

/** A data set of rows: compounds with named members, or rows of numbers. */
function inRows(dataset: Dataset, order: string | undefined): Found | undefined {
  const { type, shape, compound_type: compound, size } = dataset.metadata;
  const [rows = 0, width = 0] = shape ?? [];
  if (type === CLASS.compound && compound !== undefined && shape?.length === 1) {
    const columns = columnsOfNames(compound.members.map(({ name }) => name));
    if (columns === undefined) return undefined;
    const place = (member: number): ColumnPlace => ({
      ...placeOf(dataset, compound.members[member]!),
      offset: compound.members[member]!.offset,
      elementBytes: size,
    });
    return { ...placed(columns, place), rows };
  }
  if (shape?.length !== 2 || width < 4) return undefined;
  // MVSEC's order, the one set that has such rows.
  const columns = columnsOfOption(order ?? 'xytp');
  const value = placeOf(dataset, dataset.metadata);
  const bytes = bytesOfType(value.type);
  const place = (column: number): ColumnPlace => ({
    ...value,
    offset: column * bytes,
    elementBytes: width * bytes,
  });
  return columns.count > width ? undefined : { ...placed(columns, place), rows };
}

/** A group of data sets, each a column. */
function inColumns(library: Hdf5Library, group: Group): Found | undefined {
  const names = group.keys();
  const columns = columnsOfNames(names);
  if (columns === undefined) return undefined;
  const lengths: number[] = [];
  const place = (column: number): ColumnPlace => {
    const dataset = group.get(names[column]!);
    if (!(dataset instanceof library.Dataset) || dataset.metadata.shape?.length !== 1) {
      throw new RangeError(`${group.path}/${names[column]} as a list of numbers expected`);
    }
    lengths.push(dataset.metadata.shape[0]!);
    return { ...placeOf(dataset, dataset.metadata), offset: 0, elementBytes: dataset.metadata.size };
  };
  const found = placed(columns, place);
  if (lengths.some((length) => length !== lengths[0])) {
    throw new RangeError(`columns of one length expected in ${group.path}, found ${lengths.join(', ')}`);
  }
  return { ...found, rows: lengths[0]! };
}

function placed(columns: EventColumns, place: (column: number) => ColumnPlace): Omit<Found, 'rows'> {
  return { t: place(columns.t), x: place(columns.x), y: place(columns.y), p: place(columns.p) };
}

function placeOf(
  dataset: Dataset,
  { type, size, signed, littleEndian, enum_type }: Metadata,
): Pick<ColumnPlace, 'dataset' | 'type' | 'littleEndian'> {
  const isFloat = type === CLASS.float && (size === 4 || size === 8);
  const isInteger =
    (type === CLASS.integer || (type === CLASS.enumeration && enum_type !== undefined)) &&
    [1, 2, 4, 8].includes(size);
  if (!isFloat && !isInteger) {
    throw new RangeError(`${dataset.path} of numbers expected, found type ${type} of ${size} bytes`);
  }
  const letter = isFloat ? 'f' : signed ? 'i' : 'u';
  return { dataset, type: `${letter}${size}` as NumberType, littleEndian };
}

function checkFilters(dataset: Dataset): void {
  for (const { id, name } of dataset.filters) {
    if (FILTERS.has(id)) continue;
    throw new RangeError(
      `${dataset.path} is packed with ${FILTER_NAMES[id] ?? `filter ${id} (${name})`}; gzip can be read`,
    );
  }
}

/** `width` and `height`, `geometry` as Metavision has it, or `sensor_resolution` [height, width] as ESIM has it. */
function sizeOf(entities: readonly (Group | Dataset)[]): SensorSize | undefined {
  for (const { attrs } of entities) {
    const value = (name: string): unknown => attrs[name]?.value;
    const [, wide, high] = /^(\d+)x(\d+)$/.exec(String(value('geometry') ?? '')) ?? [];
    const resolution = Array.from((value('sensor_resolution') as ArrayLike<number | bigint>) ?? []);
    const width = Number(value('width') ?? wide ?? resolution[1]);
    const height = Number(value('height') ?? high ?? resolution[0]);
    const pixels = (size: number): boolean => Number.isInteger(size) && size > 0 && size <= 65536;
    if (pixels(width) && pixels(height)) return { width, height };
  }
  return undefined;
}
