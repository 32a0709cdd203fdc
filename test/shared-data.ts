import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

const shared = fileURLToPath(new URL('../../shared/', import.meta.url));

/** Path of real data handed down beside the checkout. */
export function sharedPath(name: string): string {
  return `${shared}${name}`;
}

/** `describe`, skipped with a line that says so where one of the named files is absent. */
export function describeWithShared(title: string, names: readonly string[], body: () => void): void {
  const missing = names.find((name) => !existsSync(sharedPath(name)));
  if (missing === undefined) describe(title, body);
  else describe.skip(`${title} (skipped: ../shared/${missing} is absent)`, body);
}
