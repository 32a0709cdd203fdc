import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** Who may see the dashboard. */
export interface AccessRules {
  /** Address that is listened on. */
  readonly host: string;
  /** What every request has to name; absent where all who reach the address may see it. */
  readonly token?: string;
}

/** What a request gets: the page, the stream of messages, or nothing, with a status that says why. */
export type Access = 'page' | 'stream' | 403 | 404;

export const STREAM_PATH = '/stream';

/** A token that cannot be guessed. */
export function newToken(): string {
  return randomBytes(18).toString('base64url');
}

/** Whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/**
 * What a request gets. A page of another site can make a browser send requests here, so the name that the browser
 * believes it talks to has to be ours (a foreign name can be made to point here: DNS rebinding), and a stream is for
 * our own page only.
 */
export function accessOf(
  { headers, method, url = '' }: Pick<IncomingMessage, 'headers' | 'method' | 'url'>,
  rules: AccessRules,
): Access {
  const { host, origin } = headers;
  if (host === undefined || !isOurName(nameOf(host), rules.host)) return 403;
  const [path, query] = splitAt(url, '?');
  if (rules.token !== undefined && !sameText(new URLSearchParams(query).get('token') ?? '', rules.token)) {
    return 403;
  }
  if (method !== 'GET') return 404;
  if (path === '/') return 'page';
  if (path !== STREAM_PATH) return 404;
  return origin === `http://${host}` || origin === `https://${host}` ? 'stream' : 403;
}

/** The host of a `Host` header, without port and brackets. */
function nameOf(header: string): string {
  const [, name = ''] = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(header.toLowerCase()) ?? [];
  return name.replace(/^\[|\]$/g, '');
}

/** Only names can be rebound, so an address is ours where others than this machine are to come here. */
function isOurName(name: string, host: string): boolean {
  if (isLoopback(host)) return isLoopback(name);
  return isIP(name) !== 0 || [host, 'localhost', hostname()].some((ours) => ours.toLowerCase() === name);
}

function splitAt(text: string, mark: string): [before: string, after: string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** Compares in a time that says nothing of where two texts differ. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
