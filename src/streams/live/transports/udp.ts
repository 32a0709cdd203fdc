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
      const drops = systemDrops({ host: bound.address, port: bound.port });
      await new Promise<void>((resolve) => socket.close(() => resolve()));
      return drops;
    },
  };
}

/**
 * Datagrams that the system dropped at a socket because nobody fetched them in time: the last column of /proc/net/udp;
 * undefined where there is none.
 */
export function systemDrops({ host, port }: BoundAddress): number | undefined {
  const path = isIPv6(host) ? '/proc/net/udp6' : '/proc/net/udp';
  const suffix = `:${hex(port, 4)}`;
  let lines: string[][];
  try {
    lines = readFileSync(path, 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local]) => local?.endsWith(suffix));
  } catch {
    return undefined; // not Linux
  }
  // Several sockets may share a port at addresses of their own, which stand there with their last byte first.
  const address = host
    .split('.')
    .reverse()
    .map((byte) => hex(Number(byte), 2));
  const found = lines.find(([, local]) => local === `${address.join('')}${suffix}`) ?? lines[0];
  return found === undefined ? undefined : Number(found.at(-1));
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
