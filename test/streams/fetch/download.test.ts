import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FormatError, InputError } from '../../../src/errors.ts';
import type { RemoteFile } from '../../../src/streams/fetch/catalogue.ts';
import { type DownloadOptions, downloadFile } from '../../../src/streams/fetch/download.ts';
import { temporaryFolders } from '../temporary-folder.ts';
import { type Behaviour, serve, testServers } from './hostile-server.ts';

const makeFolder = temporaryFolders();
const startServer = testServers();

const content = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7919 + (i >> 8)) & 255);
const other = content.map((byte) => byte ^ 255);
const hash = (kind: string, bytes: Uint8Array): string => createHash(kind).update(bytes).digest('hex');
const documented = { md5: hash('md5', content), sha256: hash('sha256', content) };

/** A download from a server that behaves so, with what is left in the folder. */
async function attempt(
  behave: Behaviour,
  facts: Partial<RemoteFile> = documented,
  { folder = makeFolder(), ...options }: DownloadOptions & { folder?: string } = {},
) {
  const server = await startServer(behave);
  const retries: string[] = [];
  const file = { name: 'set.zip', url: `${server.url}/set`, ...facts };
  const quick = {
    attempts: 3,
    stallMillis: 200,
    backoffMillis: 1,
    onRetry: (why: string) => retries.push(why),
  };
  const outcome = await downloadFile(file, folder, { ...quick, ...options }).catch((error: Error) => error);
  const { ranges } = server;
  return { outcome, ranges, retries, file, folder, names: readdirSync(folder).sort() };
}

/** The whole content, under its own name and with nothing beside it. */
function expectWhole({ outcome, folder, names }: Awaited<ReturnType<typeof attempt>>, bytes = content): void {
  expect(outcome).not.toBeInstanceOf(Error);
  expect(names).toEqual(['set.zip']);
  expect(new Uint8Array(readFileSync(join(folder, 'set.zip')))).toEqual(bytes);
}

describe('downloadFile', () => {
  it('downloads, checks and names a file, and tells how far it is', async () => {
    const seen: (number | undefined)[][] = [];
    const got = await attempt(serve(content), documented, { onProgress: (...at) => seen.push(at) });
    expectWhole(got);
    expect(got.outcome).toMatchObject({
      bytes: 100_000,
      sha256: documented.sha256,
      verified: 'sha256',
      resumedBytes: 0,
    });
    expect(seen.at(-1)).toEqual([100_000, 100_000]);
    const unknown = await attempt(serve(content), {});
    expect(unknown.outcome).toMatchObject({ sha256: documented.sha256, verified: 'none' });
    expect((await attempt(serve(content), { bytes: 100_000 })).outcome).toMatchObject({ verified: 'length' });
  });

  it('goes on where a connection broke', async () => {
    const got = await attempt((request, response, number) => {
      serve(content, number < 2 ? { cutAfter: 30_000 } : {})(request, response, number);
    });
    expectWhole(got);
    expect(got.ranges[0]).toBeUndefined();
    expect(got.ranges).toHaveLength(3);
    expect(Number(/\d+/.exec(got.ranges[2]!)![0])).toBeGreaterThan(30_000);
  });

  it('goes on in another run', async () => {
    const stop = new AbortController();
    const first = await attempt(serve(content, { cutAfter: 40_000 }), documented, {
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    expect(first.outcome).toBeInstanceOf(Error);
    expect(first.names).toEqual(['set.zip.part', 'set.zip.part.json']);
    const server = await startServer(serve(content));
    const note = JSON.parse(readFileSync(join(first.folder, 'set.zip.part.json'), 'utf8'));
    const url = `${server.url}/set`;
    writeFileSync(join(first.folder, 'set.zip.part.json'), JSON.stringify({ ...note, url }));
    const second = await downloadFile({ name: 'set.zip', url, ...documented }, first.folder);
    expect(second.resumedBytes).toBeGreaterThan(0);
    expect(server.ranges).toEqual([`bytes=${second.resumedBytes}-`]);
    expect(new Uint8Array(readFileSync(second.path))).toEqual(content);
  });

  it('starts anew where the server knows no ranges, or has another file meanwhile', async () => {
    const deaf: Behaviour = (request, response, number) => {
      delete request.headers.range;
      serve(content, number === 0 ? { cutAfter: 30_000 } : {})(request, response, number);
    };
    expectWhole(await attempt(deaf));
    const changing: Behaviour = (request, response, number) => {
      if (number === 0) serve(other, { tag: '"old"', cutAfter: 30_000 })(request, response, number);
      else serve(content, { tag: '"new"' })(request, response, number);
    };
    expectWhole(await attempt(changing));
    // One that serves the rest of the new file under the old one's name.
    const careless: Behaviour = (request, response, number) => {
      delete request.headers['if-range'];
      changing(request, response, number);
    };
    expectWhole(await attempt(careless));
    // One without validators: the checksum tells.
    const nameless: Behaviour = (request, response, number) => {
      const send = response.writeHead.bind(response);
      response.writeHead = ((status: number, headers: Record<string, unknown>) => {
        const { etag: _, ...rest } = headers;
        return send(status, rest as never);
      }) as typeof response.writeHead;
      careless(request, response, number);
    };
    expectWhole(await attempt(nameless));
  });

  it('gives up an attempt that stalls, before and within the body', async () => {
    const silent: Behaviour = (request, response, number) => {
      if (number === 0) return;
      if (number === 1) {
        response.writeHead(200, { etag: '"one"', 'content-length': content.length });
        response.write(content.subarray(0, 10_000));
        return;
      }
      serve(content)(request, response, number);
    };
    const got = await attempt(silent);
    expectWhole(got);
    expect(got.retries).toEqual(['no byte came for 0.2 s', 'no byte came for 0.2 s']);
    const never = await attempt(() => undefined);
    expect(never.outcome).toBeInstanceOf(InputError);
    expect((never.outcome as Error).message).toMatch(/^http:\S+: no byte came for 0\.2 s$/);
  });

  it('waits and tries again where the server is busy, but not where there is no such file', async () => {
    const busy = await attempt((request, response, number) => {
      if (number < 2) response.writeHead(number === 0 ? 503 : 429, { 'retry-after': '0' }).end();
      else serve(content)(request, response, number);
    });
    expectWhole(busy);
    for (const status of [404, 403, 410, 202, 204]) {
      const { outcome, ranges } = await attempt((_, response) => response.writeHead(status).end());
      expect((outcome as Error).message).toMatch(new RegExp(`expected the file, .* status ${status}$`));
      expect(ranges).toHaveLength(1);
    }
    const failing = await attempt((_, response) => response.writeHead(500).end());
    expect(failing.outcome).toBeInstanceOf(InputError);
    expect(failing.ranges).toHaveLength(3);
  });

  it('believes no length but that of what came', async () => {
    const more: Behaviour = (request, response, number) => {
      if (number > 0) return serve(content)(request, response, number);
      response.writeHead(200, { etag: '"one"', 'content-length': content.length + 500 });
      response.write(content, () => response.destroy());
    };
    expectWhole(await attempt(more));
    const fewer: Behaviour = (_, response) => {
      response.writeHead(200, { 'content-length': 5000 });
      response.end(content.subarray(0, 5000));
    };
    const short = await attempt(fewer);
    expect(short.outcome).toBeInstanceOf(FormatError);
    expect((short.outcome as Error).message).toMatch(/set\.zip: expected SHA-256 \w+, found \w+$/);
    expect(short.names).toEqual([]);
    const documentedLength = await attempt(fewer, { bytes: 100_000 });
    expect((documentedLength.outcome as Error).message).toMatch(
      /expected 100000 bytes, the server has a file of 5000$/,
    );
    const endless: Behaviour = (_, response) => {
      const send = (): void => {
        while (response.write(content));
        response.once('drain', send);
      };
      response.writeHead(200);
      send();
    };
    const bounded = await attempt(endless, { bytes: 1_000_000 });
    expect((bounded.outcome as Error).message).toMatch(/expected 1000000 bytes, the server sends more$/);
  });

  it('takes nothing for the file that is not', async () => {
    const wrong = await attempt(serve(other));
    expect(wrong.outcome).toBeInstanceOf(FormatError);
    expect(wrong.names).toEqual([]);
    const packed = await attempt((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end('x');
    });
    expect(packed.outcome).toBeInstanceOf(InputError);
    expect(packed.names).not.toContain('set.zip');
  });

  it('follows redirects, to http and https only and not without end', async () => {
    const target = await startServer(serve(content));
    expectWhole(await attempt((_, response) => response.writeHead(302, { location: target.url }).end()));
    const circle = await attempt((_, response) => response.writeHead(301, { location: '/set' }).end());
    expect((circle.outcome as Error).message).toMatch(/more than 10 redirects$/);
    const file = await attempt((_, response) =>
      response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    );
    expect((file.outcome as Error).message).toMatch(/expected a redirect to http:\/\/, found one to file:/);
    const gone = await attempt((_, response) => response.destroy());
    expect(gone.outcome).toBeInstanceOf(InputError);
    expect(gone.ranges).toHaveLength(3);
  });
});
