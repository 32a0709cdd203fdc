import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Reception } from '../reception.ts';
import { type BoundAddress, cannotListen, type Receiving } from './transport.ts';

/** A turn of Node's loop reads at most 32 datagrams, so this many turns empty any buffer a system grants. */
const MOST_TURNS = 1024;

/**
 * Binds a socket with a large receive buffer, for a burst waits there while this thread computes. A datagram from
 * another port than the last is one of another sender, whose sequence numbers and clock begin anew.
 * @param bufferBytes asked of the system, which may grant less
 */
export async function receiveUdp(
  { host, port }: BoundAddress,
  bufferBytes: number,
  reception: Reception,
): Promise<Receiving> {
  const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4', recvBufferSize: bufferBytes });
  let datagrams = 0;
  let senderPort: number | undefined;
  let senderHost: string | undefined;
  socket.on('message', (datagram, sender) => {
    datagrams++;
    if (sender.port !== senderPort || sender.address !== senderHost) {
      if (senderPort !== undefined) reception.restart();
      senderPort = sender.port;
      senderHost = sender.address;
    }
    reception.datagram(datagram);
  });
  socket.bind(port, host);
  try {
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw cannotListen(`udp://${host}:${port}`, error);
  }
  // From here on errors concern single datagrams, such as an unreachable peer.
  socket.on('error', () => {});
  const bound = socket.address();
  return {
    address: { host: bound.address, port: bound.port },
    bufferBytes: socket.getRecvBufferSize(),
    drain: async () => {
      for (let turn = 0, seen = -1; turn < MOST_TURNS && datagrams !== seen; turn++) {
        seen = datagrams;
        await nextTurn();
      }
    },
    close: async () => {
      const drops = systemDrops(bound.port);
      await new Promise<void>((resolve) => socket.close(() => resolve()));
      return drops;
    },
  };
}

/**
 * Datagrams that the system dropped at the sockets of a port because nobody fetched them in time: the last column of
 * /proc/net/udp; undefined where there is none.
 */
export function systemDrops(port: number): number | undefined {
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
