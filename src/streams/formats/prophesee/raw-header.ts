import type { SensorSize } from '../../../events.ts';

/** Encodings of events in RAW files that can be read. */
export type RawEncoding = 'evt2' | 'evt21' | 'evt3';

/** What the header of a RAW file says. */
export interface RawHeader {
  /** The encoding's name; one that cannot be read as the file says it; undefined where it says nothing. */
  readonly encoding: string | undefined;
  readonly sensor: SensorSize | undefined;
  /** EVT2.1 whose words have their 32-bit halves swapped. */
  readonly swapped: boolean;
  readonly simulated: boolean;
}

const VGA: SensorSize = { width: 640, height: 480 };
const HD: SensorSize = { width: 1280, height: 720 };

/** Sensors by `system_ID`, and what they wrote, as OpenEB's `psee_raw_file_header.cpp` has them; later files say both. */
const SYSTEMS: readonly { sensor: SensorSize; encoding: RawEncoding; ids: readonly number[] }[] = [
  {
    sensor: VGA,
    encoding: 'evt2',
    ids: [0x15, 0x1c, 0x17, 0x97, 0x19, 0x99, 0x1d, 0x23, 0x21, 0xa1, 0x22, 0xa2, 0x29],
  },
  { sensor: VGA, encoding: 'evt3', ids: [0x28] },
  { sensor: HD, encoding: 'evt2', ids: [0x1a, 0x1f, 0x27] },
  { sensor: HD, encoding: 'evt3', ids: [0x1e, 0x2e, 0x30, 0x31, 0x32] },
];
/** Cameras with a smaller `system_ID` wrote the halves of EVT2.1 words swapped, without saying so. */
const FIRST_UNSWAPPED_SYSTEM = 0x37;

const ENCODINGS: Readonly<Record<string, RawEncoding>> = {
  '2.0': 'evt2',
  '2.1': 'evt21',
  '3.0': 'evt3',
  EVT2: 'evt2',
  EVT21: 'evt21',
  EVT3: 'evt3',
};
/** What `evt` says of each encoding. */
const VERSIONS: Readonly<Record<RawEncoding, string>> = { evt2: '2.0', evt21: '2.1', evt3: '3.0' };
/** Keys one of which every RAW header has. */
const RAW_KEYS = ['evt', 'format', 'plugin_name', 'system_id', 'firmware_version'];

/** Whether a header is that of a RAW file, of whatever encoding. */
export function isRawHeader(fields: ReadonlyMap<string, string>): boolean {
  return RAW_KEYS.some((key) => fields.has(key));
}

/** Reads the fields of a RAW header; throws a RangeError where they contradict themselves. */
export function readRawHeader(fields: ReadonlyMap<string, string>): RawHeader {
  const [formatName, ...parts] = (fields.get('format') ?? '').split(';');
  const options = new Map(parts.map((part) => part.split('=', 2) as [string, string]));
  const system = knownSystem(fields);
  const said = formatName || fields.get('evt');
  const byId = SYSTEMS.find(({ ids }) => ids.includes(system ?? -1));
  const geometry = /^(\d+)x(\d+)$/.exec(fields.get('geometry') ?? '');
  const sensor =
    size(options.get('width'), options.get('height')) ??
    size(geometry?.[1], geometry?.[2]) ??
    size(fields.get('width'), fields.get('height')) ??
    byId?.sensor;
  const order = options.get('endianness') ?? fields.get('endianness');
  return {
    encoding: said === undefined ? byId?.encoding : (ENCODINGS[said] ?? said),
    sensor,
    swapped:
      order === undefined ? system !== undefined && system < FIRST_UNSWAPPED_SYSTEM : order === 'legacy',
    simulated: fields.get('simulated') === 'true',
  };
}

/** The `system_ID` of a camera by Prophesee; others use numbers of their own. */
function knownSystem(fields: ReadonlyMap<string, string>): number | undefined {
  for (const key of ['integrator_name', 'plugin_integrator_name', 'camera_integrator_name']) {
    if ((fields.get(key) ?? 'Prophesee') !== 'Prophesee') return undefined;
  }
  const id = Number.parseInt(fields.get('system_id') ?? '', 10);
  return Number.isInteger(id) ? id : undefined;
}

function size(width: string | undefined, height: string | undefined): SensorSize | undefined {
  if (width === undefined || height === undefined) return undefined;
  const found = { width: Number(width), height: Number(height) };
  const valid = [found.width, found.height].every((n) => Number.isInteger(n) && n > 0 && n <= 65535);
  if (!valid)
    throw new RangeError(`sensor size expected, found ${width.slice(0, 20)}x${height.slice(0, 20)}`);
  return found;
}

/** The header of a RAW file that is written: `format` for today's readers, `evt` for older ones. */
export function writeRawHeader(
  encoding: RawEncoding,
  { width, height }: SensorSize,
  simulated: boolean,
): Uint8Array {
  const lines = [
    '% integrator_name Prophesee',
    '% plugin_name hal_plugin_prophesee',
    `% evt ${VERSIONS[encoding]}`,
    `% format ${encoding.toUpperCase()};height=${height};width=${width}`,
    `% geometry ${width}x${height}`,
    ...(simulated ? ['% simulated true'] : []),
    '% end',
    '',
  ];
  return Buffer.from(lines.join('\n'), 'latin1');
}
