import { existsSync, readFileSync } from 'node:fs';

/** The version in package.json, two folders up in a checkout and three once built. */
export function packageVersion(): string {
  const candidates = ['../../package.json', '../../../package.json'].map(
    (path) => new URL(path, import.meta.url),
  );
  const found = candidates.find((url) => existsSync(url));
  return found === undefined ? 'unknown' : JSON.parse(readFileSync(found, 'utf8')).version;
}
