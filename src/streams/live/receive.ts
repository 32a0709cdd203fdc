import { OptionError } from '../../errors.ts';
import type { Intake } from './intake.ts';
import { type Carrier, type ProtocolOptions, protocolNamed, protocolsOf } from './protocols/index.ts';
import { Reception } from './reception.ts';
import type { AddressPlace, NetworkPlace, SourceAddress } from './source-address.ts';
import { acceptStream, connectStream } from './transports/stream-sockets.ts';
import type { BoundAddress, Receiving, TransportHooks } from './transports/transport.ts';
import { receiveUdp } from './transports/udp.ts';

/** Where datagrams come where neither port nor protocol is named: SPIF's. */
const USUAL_PORT = 3333;

/** An address from which a transport receives. */
export type ReceivedPlace = Extract<AddressPlace, { kind: 'udp' | 'tcp' | 'unix' | 'ws' }>;

/**
 * Receives from a network address into an intake; fulfilled once it listens, or tries to connect.
 * @param bufferBytes of datagrams that may wait in the system
 */
export async function receive(
  { place, options }: SourceAddress & { readonly place: ReceivedPlace },
  bufferBytes: number,
  intake: Intake,
  hooks: TransportHooks,
): Promise<Receiving> {
  const { protocol } = options;
  const reception = (carrier: Carrier): Reception =>
    new Reception(intake, carrier, { ...options, sensor: intake.sensor }, hooks);
  if (place.kind === 'udp') {
    const address = withUsualPort(place, 'datagrams', protocol, place.kind);
    return receiveUdp(address, bufferBytes, reception('datagrams'));
  }
  await prepare(protocol);
  if (place.kind === 'ws') {
    const { acceptWebSockets, connectWebSocket } = await import('./transports/websocket.ts');
    const carrier = protocol === undefined ? undefined : protocolNamed(protocol).carriers[0];
    const named = (wanted: Carrier): Reception =>
      new Reception(
        intake,
        wanted,
        {
          ...withoutProtocol(options),
          ...(carrier === wanted ? { protocol: protocol! } : {}),
          sensor: intake.sensor,
        },
        hooks,
      );
    const sink = {
      receptions: { datagrams: named('datagrams'), bytes: named('bytes') },
      protocol,
      intake,
      hooks,
    };
    if (!place.listen) return connectWebSocket(place.url, sink);
    return acceptWebSockets({ host: place.host, port: place.port ?? 80 }, sink);
  }
  const sink = { reception: reception('bytes'), intake, hooks };
  const target =
    place.kind === 'unix' ? { path: place.path } : withUsualPort(place, 'bytes', protocol, place.kind);
  const text = 'path' in target ? `unix:${target.path}` : `tcp://${target.host}:${target.port}`;
  return place.listen ? acceptStream(target, text, sink) : connectStream(target, text, sink);
}

function withoutProtocol({
  protocol: _,
  ...options
}: SourceAddress['options']): Omit<ProtocolOptions, 'sensor'> {
  return options;
}

/** Loads what protocols need that may be met. */
export async function prepare(name: string | undefined): Promise<void> {
  const met = name === undefined ? protocolsOf('bytes') : [protocolNamed(name)];
  await Promise.all(met.map((protocol) => protocol.prepare?.()));
}

/** The port that an address names, or its protocol's own. */
export function withUsualPort(
  { host, port }: NetworkPlace,
  carrier: Carrier,
  name: string | undefined,
  scheme: string,
  what = 'source',
): BoundAddress {
  const usual = carrier === 'datagrams' && name === undefined ? USUAL_PORT : undefined;
  const chosen = port ?? (name === undefined ? usual : protocolNamed(name, carrier).ports?.[carrier]);
  if (chosen !== undefined) return { host, port: chosen };
  throw new OptionError(`${what}: expected ${scheme}://HOST:PORT, found no port in ${scheme}://${host}`);
}
