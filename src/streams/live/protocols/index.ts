import { OptionError } from '../../../errors.ts';
import { sequentialFormats } from '../../formats/index.ts';
import { caer } from './caer.ts';
import { dv } from './dv.ts';
import { eventStreamDatagrams } from './event-stream.ts';
import { faery, faeryPacked } from './faery.ts';
import { jaer } from './jaer.ts';
import type { Carrier, Protocol } from './protocol.ts';
import { recordingProtocol } from './recording.ts';
import { spif } from './spif.ts';

export type {
  Carrier,
  LiveDecoder,
  LiveEncoder,
  Protocol,
  ProtocolOptions,
  SendingOptions,
} from './protocol.ts';

/** The wire protocols, then the file formats that may come through a socket or pipe. */
export const protocols: readonly Protocol[] = [
  spif,
  faery,
  faeryPacked,
  jaer,
  caer,
  dv,
  eventStreamDatagrams,
  ...sequentialFormats.map(recordingProtocol),
];

/** The protocols that a carrier may carry. */
export function protocolsOf(carrier: Carrier): readonly Protocol[] {
  return protocols.filter(({ carriers }) => carriers.includes(carrier));
}

/** The protocol of a name; the error lists the names. */
export function protocolNamed(name: string, carrier?: Carrier): Protocol {
  const known = carrier === undefined ? protocols : protocolsOf(carrier);
  const found = known.find((protocol) => protocol.name === name.toLowerCase());
  if (found !== undefined) return found;
  const names = [...new Set(known.map((protocol) => protocol.name))].join(', ');
  throw new OptionError(`protocol: expected one of ${names}, found ${JSON.stringify(name)}`);
}
