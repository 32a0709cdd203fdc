import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';

/** What a server does with one request, the first of which is number 0. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse, number: number) => void;

/** A server on this machine with what it was asked. */
export interface TestServer {
  readonly url: string;
  /** The `Range` of each request, or undefined. */
  readonly ranges: (string | undefined)[];
}

/** Starts servers that behave as told; each is stopped after its test. */
export function testServers(): (behave: Behaviour) => Promise<TestServer> {
  const stops: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });
  return async (behave) => {
    const ranges: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      ranges.push(request.headers.range);
      response.on('error', () => undefined);
      behave(request, response, ranges.length - 1);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stops.push(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ranges };
  };
}

/** Serves bytes as a good server does: with a validator, and with ranges under `If-Range`. */
export function serve(
  content: Uint8Array,
  { tag = '"one"', cutAfter }: { tag?: string; cutAfter?: number } = {},
): Behaviour {
  return (request, response) => {
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    const same = (request.headers['if-range'] ?? tag) === tag;
    const start = from !== undefined && same ? Number(from) : 0;
    if (start >= content.length && start > 0) {
      response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
      return;
    }
    const ranged = from !== undefined && same;
    response.writeHead(ranged ? 206 : 200, {
      etag: tag,
      'content-length': content.length - start,
      ...(ranged ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
    });
    if (cutAfter === undefined) response.end(content.subarray(start));
    else {
      // A reset at once would take along what the client has not read yet.
      response.write(content.subarray(start, start + cutAfter), () => {
        setTimeout(() => response.destroy(), 50);
      });
    }
  };
}
