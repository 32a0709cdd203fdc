import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../../src/streams/live/source-address.ts';

describe('parseAddress', () => {
  it.each([
    ['udp://127.0.0.1:3333', { kind: 'udp', host: '127.0.0.1', port: 3333 }],
    ['udp://[::1]:80', { kind: 'udp', host: '::1', port: 80 }],
    ['udp://camera.local', { kind: 'udp', host: 'camera.local', port: undefined }],
    ['tcp://127.0.0.1:7777', { kind: 'tcp', host: '127.0.0.1', port: 7777, listen: false }],
    ['tcp://0.0.0.0:7777?listen', { kind: 'tcp', host: '0.0.0.0', port: 7777, listen: true }],
    ['unix:/tmp/dv.sock', { kind: 'unix', path: '/tmp/dv.sock', listen: false }],
    ['unix:///tmp/dv.sock?listen', { kind: 'unix', path: '/tmp/dv.sock', listen: true }],
    ['-', { kind: 'pipe' }],
    ['sim:', { kind: 'simulation' }],
    ['file:walk.aedat', { kind: 'path', path: 'walk.aedat' }],
    ['file:///data/a%20b.es', { kind: 'path', path: '/data/a b.es' }],
    ['recordings/new', { kind: 'path', path: 'recordings/new' }],
  ])('takes %s apart', (text, place) => {
    expect(parseAddress(text)).toEqual({ text, place, options: {} });
  });

  it('reads options', () => {
    const { options } = parseAddress(
      'udp://127.0.0.1:8991?protocol=jaer&chip=DAVIS240&endian=little&sensor=240x180',
    );
    expect(options).toEqual({
      protocol: 'jaer',
      chip: 'DAVIS240',
      endian: 'little',
      sensor: { width: 240, height: 180 },
    });
    expect(parseAddress('file:walk.aedat?speed=0.5&loop').options).toEqual({ speed: 0.5, loop: true });
    expect(parseAddress('file:walk.aedat?speed=max&loop=false').options).toEqual({ speed: 'max' });
    expect(parseAddress('sim:?seed=7&sensor=64x48').options).toEqual({
      seed: 7,
      sensor: { width: 64, height: 48 },
    });
  });

  it("leaves a WebSocket's own parameters to its server", () => {
    const { place, options } = parseAddress('ws://127.0.0.1:8080/events?protocol=spif&camera=2');
    expect(place).toMatchObject({ kind: 'ws', url: 'ws://127.0.0.1:8080/events?camera=2', port: 8080 });
    expect(options).toEqual({ protocol: 'spif' });
    expect(parseAddress('wss://host/x?protocol=spif').place).toMatchObject({
      kind: 'ws',
      url: 'wss://host/x',
    });
    expect(() => parseAddress('wss://host:1?listen')).toThrow(/^source: expected /);
  });

  it.each([
    '',
    'udp://',
    '127.0.0.1:3333',
    'udp://host:99999',
    'udp://host:1/path',
    'tcp:',
    'http://x',
    'unix:',
  ])('refuses %j', (text) => {
    expect(() => parseAddress(text)).toThrow(/^source: expected udp:\/\/HOST:PORT, .*, found /);
  });

  it.each([
    [
      'udp://h:1?speed=2',
      'source: udp://h:1?speed=2: expected options among protocol, sensor, chip, endian, found "speed"',
    ],
    [
      'udp://h:1?sensor=big',
      'source: udp://h:1?sensor=big: sensor: expected WIDTHxHEIGHT, such as 346x260, found "big"',
    ],
    ['file:x?speed=-1', 'source: file:x?speed=-1: speed: expected max or a number above 0, found "-1"'],
    [
      'udp://h:1?endian=middle',
      'source: udp://h:1?endian=middle: endian: expected big or little, found "middle"',
    ],
  ])('says what is wrong with %s', (text, message) => {
    expect(() => parseAddress(text)).toThrow(message);
  });
});
