import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { watchInstall } from '../../../src/commands/engines-install/install-watch.ts';
import {
  compareVersions,
  findWheel,
  parseRequirement,
  requirementsOf,
} from '../../../src/commands/engines-install/python-index.ts';
import { fetchWheel } from '../../../src/commands/engines-install/python-wheels.ts';
import { EngineError } from '../../../src/errors.ts';
import { serve, testServers } from '../../streams/fetch/hostile-server.ts';
import { temporaryFolders } from '../../streams/temporary-folder.ts';

const startServer = testServers();
const makeFolder = temporaryFolders();
const { signal } = new AbortController();
const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
const wheel = (version: string, platform = `manylinux_2_27_${machine}`): string =>
  `some_pkg-${version}-cp311-cp311-${platform}.whl`;
const content = Buffer.from('a wheel');
const sha256 = createHash('sha256').update(content).digest('hex');

/** An index with wheels of several versions and machines, as HTML or JSON, and the wheels themselves. */
async function startIndex(kind: 'html' | 'json', digest = sha256): Promise<string> {
  const names = [
    wheel('2.9.1'),
    wheel('2.21.0'),
    wheel('2.3.0'),
    wheel('2.22.0rc1'),
    wheel('2.30.0'),
    wheel('2.21.5', 'win_amd64'),
    wheel('2.21.5', 'manylinux_2_27_s390x'),
    'some_pkg-2.21.9.tar.gz',
  ];
  const server = await startServer((request, response, number) => {
    if (request.url !== '/simple/some-pkg/') return serve(content)(request, response, number);
    const html = names.map((name) => `<a href="../../files/${name}#sha256=${digest}">${name}</a>`);
    const files = names.map((filename) => ({
      filename,
      url: `../../files/${filename}`,
      hashes: { sha256: digest },
      size: content.length,
    }));
    const type = kind === 'html' ? 'text/html' : 'application/vnd.pypi.simple.v1+json';
    const body = kind === 'html' ? `<html>${html.join('\n')}</html>` : JSON.stringify({ files });
    response.writeHead(200, { 'content-type': type }).end(body);
  });
  return `${server.url}/simple`;
}

describe('requirements', () => {
  it('are read with their bounds', () => {
    expect(parseRequirement('nvidia-cublas-cu12<13.0,>=12.5.3.2')).toStrictEqual({
      name: 'nvidia-cublas-cu12',
      bounds: [
        { sign: '<', version: '13.0' },
        { sign: '>=', version: '12.5.3.2' },
      ],
    });
    expect(parseRequirement('absl-py').bounds).toStrictEqual([]);
  });

  it.each(['', 'name~=1.2', 'name>=', 'name>=1.*', 'name @ https://example.org'])('refuses %j', (text) => {
    expect(() => parseRequirement(text)).toThrow(EngineError);
  });

  it('of an extra are those of no other marker', () => {
    const metadata = [
      'Name: tensorflow',
      'Requires-Dist: numpy>=1.26.0',
      'Requires-Dist: nvidia-cudnn-cu12<10.0,>=9.3.0.75; extra == "and-cuda"',
      'Requires-Dist: other; sys_platform == "win32" and extra == "and-cuda"',
      "Requires-Dist: nvidia-nccl-cu12<3.0; extra == 'and-cuda'",
    ].join('\n');
    expect(requirementsOf(metadata, 'and-cuda')).toStrictEqual([
      'nvidia-cudnn-cu12<10.0,>=9.3.0.75',
      'nvidia-nccl-cu12<3.0',
    ]);
  });

  it('compare versions by their numbers', () => {
    expect(compareVersions('2.9.1', '2.21')).toBeLessThan(0);
    expect(compareVersions('2.21.0', '2.21')).toBe(0);
    expect(compareVersions('12.5.3.2', '12.5.3')).toBeGreaterThan(0);
  });
});

describe.each(['html', 'json'] as const)('an index in %s', (kind) => {
  it('gives the newest final wheel for this machine within bounds', async () => {
    const index = await startIndex(kind);
    const found = await findWheel(parseRequirement('Some.Pkg<2.30,>=2.9'), index, signal);
    expect(found).toMatchObject({ name: wheel('2.21.0'), sha256 });
  });

  it('says which wheel it lacks', async () => {
    const index = await startIndex(kind);
    await expect(findWheel(parseRequirement('some-pkg==9.0'), index, signal)).rejects.toThrow(
      /expected a wheel of some-pkg==9\.0 for .*, found none among 8 files/,
    );
  });
});

describe('fetchWheel from an index', () => {
  const watch = watchInstall({ write: () => true }, signal);

  it('downloads once', async () => {
    const folder = makeFolder();
    const index = await startIndex('json');
    const path = await fetchWheel('some-pkg==2.21.0', { folder, index }, watch);
    expect(readFileSync(path)).toStrictEqual(content);
    expect(await fetchWheel('some-pkg==2.21.0', { folder, index: 'http://127.0.0.1:1' }, watch)).toBe(path);
  });

  it('refuses a wheel of another checksum, and keeps nothing', async () => {
    const folder = makeFolder();
    const index = await startIndex('html', '0'.repeat(64));
    await expect(fetchWheel('some-pkg==2.21.0', { folder, index }, watch)).rejects.toThrow(
      'expected SHA-256 000',
    );
    expect(existsSync(join(folder, 'some-pkg_2.21.0', wheel('2.21.0')))).toBe(false);
  });

  it('names an index that is not there', async () => {
    const index = 'http://127.0.0.1:1/simple';
    const fetched = fetchWheel('some-pkg==1', { folder: makeFolder(), index }, watch);
    await expect(fetched).rejects.toThrow(`${index}/some-pkg/: `);
  });
});
