import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Gives the tests a cache of their own, empty at first: samples of an older decoder must not stand in for new ones. */
export default function freshCache(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'rxspike-cache-'));
  process.env['XDG_CACHE_HOME'] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
