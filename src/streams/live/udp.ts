import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { InputError, OptionError } from '../../errors.ts';

/** Where datagrams are sent to. */
export interface UdpAddress {
  readonly host: string;
  readonly port: number;
}

/** A bound socket. */
export interface UdpReceiver {
  readonly address: UdpAddress;
  /** Bytes that the system holds for the socket, as it granted them. */
  readonly bufferBytes: number;
  /** Datagrams that the system dropped because nobody fetched them in time; absent where it does not say (only Linux does). */
  systemDrops(): number | undefined;
  close(): Promise<void>;
}

const SPIF_PORT = 3333;

/** The address in `udp://HOST:PORT`; the port is 3333 where none is named, and 0 lets the system choose. */
export function parseUdpUrl(text: string): UdpAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const rest = url === undefined ? '' : url.pathname.replace('/', '') + url.search + url.hash + url.username;
  if (url?.protocol !== 'udp:' || url.hostname === '' || rest !== '') {
    throw new OptionError(
      `source: expected udp://HOST:PORT, such as udp://127.0.0.1:${SPIF_PORT}, found ${JSON.stringify(text)}`,
    );
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? SPIF_PORT : Number(url.port),
  };
}

/**
 * Binds a socket with a large receive buffer, for a burst waits there while a network computes.
 * @param bufferBytes asked of the system, which may grant less
 */
export async function receiveUdp(
  { host, port }: UdpAddress,
  bufferBytes: number,
  onDatagram: (datagram: Uint8Array) => void,
): Promise<UdpReceiver> {
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', recvBufferSize: bufferBytes });
  socket.on('message', onDatagram);
  socket.bind(port, host);
  try {
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    const reason = reasons[(error as NodeJS.ErrnoException).code ?? ''] ?? (error as Error).message;
    throw new InputError(`udp://${host}:${port}: cannot listen here: ${reason}`, undefined, { cause: error });
  }
  // From here on errors concern single datagrams, such as an unreachable peer.
  socket.on('error', () => {});
  const bound = socket.address();
  const granted = socket.getRecvBufferSize();
  const before = systemDrops(bound.port) ?? 0;
  return {
    address: { host: bound.address, port: bound.port },
    bufferBytes: granted,
    systemDrops: () => {
      const total = systemDrops(bound.port);
      return total === undefined ? undefined : Math.max(0, total - before);
    },
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'the address is not one of this machine',
  EACCES: 'ports below 1024 need a privilege',
  ENOTFOUND: 'the host name is not known',
};

/** The system's count of drops of the sockets on a port, from the last column of /proc/net/udp. */
function systemDrops(port: number): number | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let drops: number | undefined;
  for (const path of ['/proc/net/udp', '/proc/net/udp6']) {
    try {
      for (const line of readFileSync(path, 'latin1').split('\n').slice(1)) {
        const columns = line.trim().split(/\s+/);
        if (columns[1]?.endsWith(suffix)) drops = (drops ?? 0) + Number(columns.at(-1));
      }
    } catch {
      // not Linux, or no IPv6
    }
  }
  return drops;
}
