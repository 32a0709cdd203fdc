import { expect, it } from 'vitest';
import { type AccessRules, accessOf, isLoopback, newToken } from '../../src/dashboard/access.ts';

const own: AccessRules = { host: '127.0.0.1' };
const open: AccessRules = { host: '0.0.0.0', token: 'secret' };

function ask(rules: AccessRules, url: string, headers: Record<string, string>, method = 'GET'): unknown {
  return accessOf({ url, method, headers }, rules);
}

it('gives the page at its path only', () => {
  const host = '127.0.0.1:8686';
  expect(ask(own, '/', { host })).toBe('page');
  expect(ask(own, '/?x=1', { host })).toBe('page');
  for (const url of [
    '/index.html',
    '/../',
    '//',
    '/stream/',
    '/%2e',
    '',
    '*',
    'http://127.0.0.1:8686/',
    '/\0',
  ])
    expect(ask(own, url, { host }), url).toBe(404);
  for (const method of ['POST', 'HEAD', 'OPTIONS', 'CONNECT'])
    expect(ask(own, '/', { host }, method)).toBe(404);
});

it('knows its own names only, so that no foreign name can be made to point here', () => {
  for (const host of [
    '127.0.0.1:8686',
    'localhost:8686',
    'localhost',
    '[::1]:8686',
    '127.0.0.2',
    'LocalHost:1',
  ])
    expect(ask(own, '/', { host }), host).toBe('page');
  for (const host of [
    'evil.example:8686',
    '192.168.1.4:8686',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '',
  ])
    expect(ask(own, '/', { host }), host).toBe(403);
  expect(ask(own, '/', {})).toBe(403);
  expect(ask(open, '/?token=secret', { host: '192.168.1.4:8686' })).toBe('page');
  expect(ask(open, '/?token=secret', { host: '[fe80::1]:8686' })).toBe('page');
  expect(ask(open, '/?token=secret', { host: 'evil.example:8686' })).toBe(403);
});

it('asks every request for the token, whatever its path', () => {
  const headers = { host: '10.0.0.7:8686', origin: 'http://10.0.0.7:8686' };
  expect(ask(open, '/?token=secret', headers)).toBe('page');
  expect(ask(open, '/stream?token=secret', headers)).toBe('stream');
  for (const query of ['', '?token=', '?token=Secret', '?token=secret2', '?token=secre', '?tokens=secret']) {
    for (const path of ['/', '/stream', '/odd'])
      expect(ask(open, path + query, headers), path + query).toBe(403);
  }
});

it('gives the stream to its own page only', () => {
  const host = '127.0.0.1:8686';
  expect(ask(own, '/stream', { host, origin: `http://${host}` })).toBe('stream');
  for (const origin of ['http://127.0.0.1:3000', 'http://localhost:8686', 'https://evil.example', 'null', ''])
    expect(ask(own, '/stream', { host, origin }), origin).toBe(403);
  expect(ask(own, '/stream', { host })).toBe(403);
});

it('tells the addresses of this machine from others', () => {
  for (const host of ['127.0.0.1', '127.4.5.6', '::1', 'localhost'])
    expect(isLoopback(host), host).toBe(true);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.evil.example', 'example.org'])
    expect(isLoopback(host), host).toBe(false);
  expect(newToken()).toMatch(/^[\w-]{24}$/);
  expect(newToken()).not.toBe(newToken());
});
