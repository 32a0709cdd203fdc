import { once } from 'node:events';
import { unlink } from 'node:fs/promises';
import { type AddressInfo, connect, type Server } from 'node:net';
import { type BoundAddress, cannotListen } from './transport.ts';

/** Where a stream can be listened for. */
export type ListenTarget = BoundAddress | { readonly path: string };

/**
 * Lets a server listen; gives its address as the system chose it, if it has one. A unix socket that a killed process
 * left behind is replaced.
 * @param text names the place in errors
 */
export async function listenAt(
  server: Server,
  target: ListenTarget,
  text: string,
): Promise<BoundAddress | undefined> {
  try {
    await listen(server, target).catch(async (error: NodeJS.ErrnoException) => {
      if (!('path' in target) || error.code !== 'EADDRINUSE' || (await isAlive(target.path))) throw error;
      await unlink(target.path);
      await listen(server, target);
    });
  } catch (error) {
    throw cannotListen(text, error);
  }
  server.on('error', () => {});
  const bound = server.address() as AddressInfo | string | null;
  return typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : undefined;
}

/** The text of an address with the port that the system chose. */
export function withPort(text: string, address: BoundAddress | undefined): string {
  return address === undefined ? text : text.replace(/:\d+$/, `:${address.port}`);
}

async function listen(server: Server, target: ListenTarget): Promise<void> {
  server.listen(target);
  await once(server, 'listening');
}

/** True where somebody accepts connections at a unix socket, or it is something else. */
async function isAlive(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ECONNREFUSED';
  } finally {
    socket.on('error', () => {}).destroy();
  }
}
