import { fileURLToPath } from 'node:url';
import { OptionError } from '../../errors.ts';
import type { SensorSize } from '../../events.ts';

/** A place in a network. */
export interface NetworkPlace {
  readonly host: string;
  /** Undefined where the address names none: the protocol's own. */
  readonly port: number | undefined;
}

/** Where events come from, or go to. */
export type AddressPlace =
  | ({ readonly kind: 'udp' } & NetworkPlace)
  | ({ readonly kind: 'tcp'; readonly listen: boolean } & NetworkPlace)
  | { readonly kind: 'unix'; readonly listen: boolean; readonly path: string }
  | ({ readonly kind: 'ws'; readonly listen: boolean; readonly url: string } & NetworkPlace)
  | { readonly kind: 'pipe' }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'simulation' };

/** What stands behind the `?` of an address. */
export interface AddressOptions {
  readonly protocol?: string;
  readonly sensor?: SensorSize;
  readonly chip?: string;
  readonly endian?: 'big' | 'little';
  /** Multiple of real time, or `max`. */
  readonly speed?: number | 'max';
  readonly loop?: boolean;
  readonly seed?: number;
}

/** An address of a live source or of a receiver, taken apart. */
export interface SourceAddress {
  /** As it was given. */
  readonly text: string;
  readonly place: AddressPlace;
  readonly options: AddressOptions;
}

const FORMS =
  'udp://HOST:PORT, tcp://HOST:PORT, unix:PATH, ws://HOST:PORT, file:PATH, sim:, a folder, or - for standard input';

const stream = ['protocol', 'sensor', 'chip', 'endian', 'listen'] as const;
const OPTIONS: Readonly<Record<AddressPlace['kind'], readonly string[]>> = {
  udp: ['protocol', 'sensor', 'chip', 'endian'],
  tcp: stream,
  unix: stream,
  ws: stream,
  pipe: ['protocol', 'sensor', 'chip', 'endian'],
  path: ['protocol', 'sensor', 'speed', 'loop'],
  simulation: ['sensor', 'speed', 'seed'],
};

/**
 * Takes an address apart: `udp://HOST:PORT`, `tcp://HOST:PORT`, `unix:PATH`, `ws://HOST:PORT/PATH`, `file:PATH`,
 * a path, `sim:` or `-`, each with options behind a `?`.
 * @param name of the option or argument, for errors
 */
export function parseAddress(text: string, name = 'source'): SourceAddress {
  const fail = (): never => {
    throw new OptionError(`${name}: expected ${FORMS}, found ${JSON.stringify(text)}`);
  };
  // One letter before a colon is a drive.
  const [, scheme = '', body = '', query = ''] =
    /^(?:([a-z]{2,}):)?([^?]*)(?:\?(.*))?$/is.exec(text) ?? fail();
  const parameters = new URLSearchParams(query);
  const listen = takeFlag(parameters, 'listen');
  const place = placeOf(scheme.toLowerCase(), body, listen) ?? fail();
  if (listen) parameters.set('listen', '');
  const foreign = [...parameters.keys()].find((key) => !OPTIONS[place.kind].includes(key));
  if (foreign !== undefined && place.kind !== 'ws') {
    const known = OPTIONS[place.kind].join(', ');
    throw new OptionError(
      `${name}: ${text}: expected options among ${known}, found ${JSON.stringify(foreign)}`,
    );
  }
  const options = optionsOf(parameters, `${name}: ${text}`);
  if (place.kind !== 'ws') return { text, place, options };
  for (const key of OPTIONS.ws) parameters.delete(key);
  const rest = parameters.size === 0 ? '' : `?${parameters}`;
  return { text, place: { ...place, url: place.url + rest }, options };
}

function placeOf(scheme: string, body: string, listen: boolean): AddressPlace | undefined {
  switch (scheme) {
    case 'udp':
    case 'tcp': {
      const place = networkPlace(body, false);
      if (place === undefined || (scheme === 'udp' && listen)) return undefined;
      return scheme === 'udp' ? { kind: 'udp', ...place } : { kind: 'tcp', listen, ...place };
    }
    case 'ws':
    case 'wss': {
      const place = networkPlace(body, true);
      if (place === undefined || (scheme === 'wss' && listen)) return undefined;
      return { kind: 'ws', listen, url: `${scheme}:${body}`, ...place };
    }
    case 'unix': {
      const path = body.replace(/^\/\/(?=\/)/, '');
      return path === '' ? undefined : { kind: 'unix', listen, path };
    }
    case 'sim':
      return body === '' || body === 'shapes' ? { kind: 'simulation' } : undefined;
    case 'file': {
      const path = body.startsWith('//') ? fileURLToPath(`file:${body}`) : body;
      return path === '' ? undefined : { kind: 'path', path };
    }
    case '': {
      if (body === '-') return { kind: 'pipe' };
      // Something like 127.0.0.1:3333 is an address that lacks its scheme.
      return body === '' || /^[^/\\]*:\d+$/.test(body) ? undefined : { kind: 'path', path: body };
    }
    default:
      return undefined;
  }
}

function networkPlace(body: string, withPath: boolean): NetworkPlace | undefined {
  const text = `http:${body}`;
  if (!body.startsWith('//') || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.hostname === '' || url.username !== '' || url.hash !== '') return undefined;
  if (!withPath && url.pathname !== '/') return undefined;
  // A URL leaves out a port that is its scheme's own.
  const port = /:(\d+)\/?[^:\]]*$/.exec(body)?.[1];
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === undefined ? undefined : Number(port),
  };
}

function optionsOf(parameters: URLSearchParams, where: string): AddressOptions {
  const fail = (key: string, expected: string): never => {
    const found = JSON.stringify(parameters.get(key));
    throw new OptionError(`${where}: ${key}: expected ${expected}, found ${found}`);
  };
  const given = <T>(key: string, expected: string, read: (value: string) => T | undefined): T | undefined => {
    const value = parameters.get(key);
    return value === null ? undefined : (read(value) ?? fail(key, expected));
  };
  const options = {
    protocol: given('protocol', 'a name', (value) => value || undefined),
    chip: given('chip', 'a name, such as DVS128', (value) => value || undefined),
    endian: given('endian', 'big or little', (value) =>
      value === 'big' || value === 'little' ? value : undefined,
    ),
    sensor: given('sensor', 'WIDTHxHEIGHT, such as 346x260', parseSize),
    speed: given('speed', 'max or a number above 0', parseRate),
    seed: given('seed', 'a whole number', (value) => (/^\d{1,9}$/.test(value) ? Number(value) : undefined)),
    loop: takeFlag(parameters, 'loop') || undefined,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function parseSize(text: string): SensorSize | undefined {
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/i.exec(text) ?? [];
  const size = { width: Number(width), height: Number(height) };
  const pixels = (value: number): boolean => value > 0 && value <= 65536;
  return pixels(size.width) && pixels(size.height) ? size : undefined;
}

function parseRate(text: string): number | 'max' | undefined {
  if (text === 'max') return 'max';
  const speed = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(speed) && speed > 0 ? speed : undefined;
}

/** Takes out a flag: `loop`, `loop=`, `loop=1` and `loop=true` set it. */
function takeFlag(parameters: URLSearchParams, key: string): boolean {
  const value = parameters.get(key);
  if (value === null) return false;
  parameters.delete(key);
  return !['0', 'false', 'no'].includes(value.toLowerCase());
}
