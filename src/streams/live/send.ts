import { OptionError } from '../../errors.ts';
import type { EventChunk, SensorSize } from '../../events.ts';
import { type Pace, pacedSlices } from './pace.ts';
import { type Carrier, type LiveEncoder, type Protocol, protocolNamed } from './protocols/index.ts';
import { withUsualPort } from './receive.ts';
import { parseAddress, type SourceAddress } from './source-address.ts';
import {
  connectingOutlet,
  listeningOutlet,
  type Outlet,
  type OutletHooks,
  udpOutlet,
  webSocketOutlet,
} from './transports/outlets.ts';
import type { BoundAddress } from './transports/transport.ts';

/** How events are sent. */
export interface SendOptions extends Omit<Pace, 'mostEvents'> {
  /** Size of the sensor, which some protocols say and others count from. */
  readonly sensor: SensorSize;
  /** SPIF: false leaves the timestamps out; default true. */
  readonly timestamps?: boolean;
  /** Events of a full datagram or packet; by default what the protocol's own senders use. */
  readonly eventsPerPacket?: number;
  /** Told where receivers can connect, once it is so. */
  readonly onListening?: (address: BoundAddress) => void;
  /** A line for people. */
  readonly onNote?: (text: string) => void;
  /** Told how many events were sent, after each slice. */
  readonly onProgress?: (events: number) => void;
}

/** What was sent. */
export interface Sent {
  readonly protocol: string;
  readonly events: number;
  /** Datagrams, or parts of a stream. */
  readonly datagrams: number;
  readonly bytes: number;
  /** Datagrams that the system refused, because nobody listened. */
  readonly refused: number;
  /** Times that the connection broke; what was under way then is lost. */
  readonly reconnections: number;
}

/** Events that are packed before they are handed to the system. */
const SLICE_EVENTS = 4096;

/**
 * Sends events to `udp://HOST:PORT`, `tcp://HOST:PORT`, `unix:PATH` or `ws://HOST:PORT`, in their order, as the
 * protocol that the address names (`?protocol=`; SPIF over UDP and DV over TCP by default). With `?listen` it waits for
 * a receiver to connect, as DV and cAER do; a connection that breaks is made again.
 */
export async function sendEvents(
  chunks: AsyncIterable<EventChunk> | Iterable<EventChunk>,
  url: string,
  options: SendOptions,
): Promise<Sent> {
  const { signal = new AbortController().signal, onNote = () => {} } = options;
  const address = parseAddress(url, 'destination');
  const { protocol, carrier } = protocolFor(address);
  const sensor = address.options.sensor ?? options.sensor;
  const outlet = await openOutlet(address, carrier, protocol.name, { signal, onNote });
  const sent = { events: 0, datagrams: 0, bytes: 0, reconnections: -1 };
  let encoder: LiveEncoder | undefined;
  let queue: Uint8Array[] = [];
  const queued = (bytes: Uint8Array): void => {
    queue.push(bytes);
  };
  const flush = async (): Promise<void> => {
    for (const bytes of queue.splice(0)) {
      if (!(await outlet.send(bytes))) {
        encoder = undefined;
        queue = [];
        return;
      }
      sent.datagrams++;
      sent.bytes += bytes.length;
    }
  };
  const begin = async (): Promise<LiveEncoder | undefined> => {
    if (!(await outlet.connect())) return undefined;
    sent.reconnections++;
    encoder = protocol.createEncoder({ ...address.options, ...options, sensor, carrier });
    return encoder;
  };
  try {
    protocol.createEncoder({ ...address.options, ...options, sensor, carrier }); // says at once what it cannot do
    if (outlet.address !== undefined) options.onListening?.(outlet.address);
    await begin(); // before the clock of the pace starts
    const slices = pacedSlices(chunks, { ...options, signal, mostEvents: SLICE_EVENTS });
    for await (const slice of slices) {
      encoder ??= await begin();
      if (encoder === undefined) break;
      encoder.push(slice, queued);
      sent.events += slice.t.length;
      // A pace that leaves a datagram half full would keep its events waiting.
      if (isPaced(options)) encoder.end(queued);
      await flush();
      options.onProgress?.(sent.events);
    }
    encoder?.end(queued);
    await flush();
  } finally {
    await outlet.close();
  }
  const { refused } = outlet;
  return { protocol: protocol.name, ...sent, refused, reconnections: Math.max(0, sent.reconnections) };
}

/** The events of a recording again and again, their time going on, until the signal is aborted. */
export async function* repeated(
  open: () => AsyncIterable<EventChunk>,
  signal?: AbortSignal,
): AsyncGenerator<EventChunk, undefined> {
  for (let shift = 0; !signal?.aborted; ) {
    let first: number | undefined;
    let last = 0;
    for await (const chunk of open()) {
      if (chunk.t.length === 0) continue;
      first ??= chunk.origin + chunk.t[0]!;
      last = chunk.origin + chunk.t.at(-1)!;
      yield { ...chunk, origin: chunk.origin + shift };
    }
    if (first === undefined) return;
    shift += last - first + 1;
  }
}

function isPaced({ speed = 'max' }: SendOptions): boolean {
  return speed !== 'max';
}

/** The protocol that an address names, or that its carrier usually carries. */
function protocolFor({ text, place, options }: SourceAddress): { protocol: Protocol; carrier: Carrier } {
  if (place.kind === 'udp')
    return { protocol: protocolNamed(options.protocol ?? 'spif', 'datagrams'), carrier: 'datagrams' };
  if (place.kind === 'tcp' || place.kind === 'unix') {
    return { protocol: protocolNamed(options.protocol ?? 'dv', 'bytes'), carrier: 'bytes' };
  }
  if (place.kind === 'ws') {
    const protocol = protocolNamed(options.protocol ?? 'spif');
    return { protocol, carrier: protocol.carriers[0]! };
  }
  throw new OptionError(
    `destination: expected udp://HOST:PORT, tcp://HOST:PORT, unix:PATH or ws://HOST:PORT, found ${JSON.stringify(text)}`,
  );
}

async function openOutlet(
  { place }: SourceAddress,
  carrier: Carrier,
  protocol: string,
  hooks: OutletHooks,
): Promise<Outlet> {
  if (place.kind === 'ws') return webSocketOutlet(place, hooks);
  if (place.kind === 'udp') return udpOutlet(withUsualPort(place, carrier, protocol, 'udp', 'destination'));
  if (place.kind !== 'tcp' && place.kind !== 'unix')
    throw new OptionError('destination: expected an address');
  const target =
    place.kind === 'unix'
      ? { path: place.path }
      : withUsualPort(place, carrier, protocol, 'tcp', 'destination');
  const text = 'path' in target ? `unix:${target.path}` : `tcp://${target.host}:${target.port}`;
  return place.listen ? listeningOutlet(target, text, hooks) : connectingOutlet(target, text, hooks);
}
