/** Wheels as a Python package index lists them (PEP 503 in HTML, PEP 691 in JSON), and which one a requirement takes. */
import { EngineError } from '../../errors.ts';
import type { RemoteFile } from '../../streams/fetch/catalogue.ts';

/** The public index. */
export const PUBLIC_INDEX = 'https://pypi.org/simple';

/** A requirement such as `nvidia-cublas-cu12<13.0,>=12.5.3.2`. */
export interface Requirement {
  readonly name: string;
  readonly bounds: readonly { readonly sign: string; readonly version: string }[];
}

/** Machines as wheels name them. */
const MACHINES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };
const SIGNS: Readonly<Record<string, (order: number) => boolean>> = {
  '==': (order) => order === 0,
  '!=': (order) => order !== 0,
  '>=': (order) => order >= 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '<': (order) => order < 0,
};

/** Reads a requirement without extras and markers; other text is an EngineError. */
export function parseRequirement(text: string): Requirement {
  const found = /^([\w.-]+)\s*\(?([^()]*)\)?$/.exec(text.trim());
  const texts = (found?.[2] ?? '').split(',').filter((bound) => bound.trim() !== '');
  const bounds = texts.map((bound) => /^\s*([<>=!]=?)\s*([\d.]+)\s*$/.exec(bound));
  if (found === null || bounds.some((bound) => bound === null || SIGNS[bound[1]!] === undefined)) {
    throw new EngineError(`expected a requirement like name>=1.2,<2, found ${JSON.stringify(text)}`);
  }
  return { name: found[1]!, bounds: bounds.map((bound) => ({ sign: bound![1]!, version: bound![2]! })) };
}

/** What a wheel's METADATA requires for one of its extras. */
export function requirementsOf(metadata: string, extra: string): string[] {
  const lines = metadata
    .split('\n')
    .flatMap((line) => /^Requires-Dist: ([^;]+);(.*)$/.exec(line.trim()) ?? []);
  const found: string[] = [];
  for (let i = 0; i < lines.length; i += 3) {
    if (lines[i + 2]!.trim() === `extra == "${extra}"` || lines[i + 2]!.trim() === `extra == '${extra}'`) {
      found.push(lines[i + 1]!.trim());
    }
  }
  return found;
}

/** The newest wheel for this machine that an index has for a requirement, with the SHA-256 that the index says. */
export async function findWheel(
  requirement: Requirement,
  index: string,
  signal: AbortSignal,
): Promise<RemoteFile & { readonly url: string }> {
  const page = `${index.replace(/\/*$/, '')}/${requirement.name.toLowerCase().replace(/[-_.]+/g, '-')}/`;
  const listed = await listFiles(page, signal);
  const wheels = listed.flatMap((file) => {
    const version = wheelVersion(file.name);
    return version === undefined || !satisfies(version, requirement) ? [] : [{ ...file, version }];
  });
  wheels.sort((a, b) => compareVersions(b.version, a.version));
  const [best] = wheels;
  if (best === undefined) {
    const wanted = requirement.bounds.map(({ sign, version }) => sign + version).join(',');
    throw new EngineError(
      `${page}: expected a wheel of ${requirement.name}${wanted} for ${process.platform} ${process.arch}, found none among ${listed.length} files`,
    );
  }
  const { version: _, ...file } = best;
  return file;
}

/** Orders versions of numbers and dots; a missing number is 0. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < Math.max(left!.length, right!.length); i++) {
    const difference = (left![i] ?? 0) - (right![i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function satisfies(version: string, { bounds }: Requirement): boolean {
  return bounds.every((bound) => SIGNS[bound.sign]!(compareVersions(version, bound.version)));
}

/** The version in a wheel's name where it is a final one for this machine: `NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl`. */
function wheelVersion(name: string): string | undefined {
  const parts = name.replace(/\.whl$/, '').split('-');
  if (!name.endsWith('.whl') || parts.length < 5) return undefined;
  const platform = parts.at(-1)!;
  const fits = platform.includes('manylinux') && platform.endsWith(MACHINES[process.arch] ?? '?');
  return fits && /^\d+(\.\d+)*$/.test(parts[1]!) ? parts[1] : undefined;
}

async function listFiles(page: string, signal: AbortSignal): Promise<(RemoteFile & { url: string })[]> {
  let response: Response;
  let text: string;
  try {
    const headers = { accept: 'application/vnd.pypi.simple.v1+json, text/html;q=0.5' };
    response = await fetch(page, { headers, signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]) });
    text = await response.text();
  } catch (error) {
    signal.throwIfAborted();
    const { message, cause } = error as Error;
    throw new EngineError(`${page}: ${cause instanceof Error ? cause.message : message}`, { cause: error });
  }
  if (!response.ok)
    throw new EngineError(`${page}: expected a list of files, found status ${response.status}`);
  const json = response.headers.get('content-type')?.includes('json') === true;
  return json ? fromJson(text, response.url) : fromHtml(text, response.url);
}

function fromJson(text: string, page: string): (RemoteFile & { url: string })[] {
  interface Listed {
    readonly filename: string;
    readonly url: string;
    readonly hashes?: { readonly sha256?: string };
    readonly size?: number;
  }
  const { files } = JSON.parse(text) as { readonly files: readonly Listed[] };
  return files.map(({ filename, url, hashes, size }) => ({
    name: filename,
    url: new URL(url, page).href,
    ...(hashes?.sha256 === undefined ? {} : { sha256: hashes.sha256 }),
    ...(size === undefined ? {} : { bytes: size }),
  }));
}

function fromHtml(text: string, page: string): (RemoteFile & { url: string })[] {
  return [...text.matchAll(/<a\s[^>]*href="([^"]+)"[^>]*>([^<]+)<\/a>/gi)].map(([, href, name]) => {
    const url = new URL(href!.replaceAll('&amp;', '&'), page);
    const sha256 = /^#sha256=([0-9a-f]{64})$/.exec(url.hash)?.[1];
    url.hash = '';
    return { name: name!.trim(), url: url.href, ...(sha256 === undefined ? {} : { sha256 }) };
  });
}
