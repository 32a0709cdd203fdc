import { describe, expect, it } from 'vitest';
import { OptionError } from '../../../src/errors.ts';
import { allocateChunk, type EventChunk } from '../../../src/events.ts';
import { sequentialFormats } from '../../../src/streams/formats/index.ts';

/** Events at these times, all at one pixel. */
function at(times: readonly number[], x = 1, y = 2, origin = 0): EventChunk {
  const chunk = allocateChunk(origin, times.length);
  chunk.t.set(times);
  chunk.x.fill(x);
  chunk.y.fill(y);
  return chunk;
}

function write(name: string, ...chunks: readonly EventChunk[]): Buffer {
  const format = sequentialFormats.find((candidate) => candidate.name === name)!;
  const encoder = format.createEncoder!({ sensor: { width: 128, height: 128 } });
  const parts: Buffer[] = [];
  const emit = (part: Uint8Array): number => parts.push(Buffer.from(part));
  for (const chunk of chunks) encoder.push(chunk, emit);
  encoder.end(emit);
  return Buffer.concat(parts);
}

const BEFORE_ZERO = { ...at([5]), origin: -10 };

describe('encoders refuse in one line', () => {
  it.each(['aedat2', 'aedat4', 'dat', 'dat1', 'es', 'evt2', 'evt3'])(
    'events outside the sensor in %s',
    (name) => {
      const outside = 'for a sensor of 128x128 holds no event at (128, 2); crop the events first';
      expect(() => write(name, at([1, 2, 3]), at([4], 128))).toThrow(OptionError);
      expect(() => write(name, at([1, 2, 3]), at([4], 128))).toThrow(outside);
      expect(() => write(name, at([1], 2, 65535))).toThrow('holds no event at (2, 65535)');
    },
  );

  it.each([
    ['evt2', 'RAW counts time from 0, not from -5 us', [BEFORE_ZERO]],
    ['evt2', 'RAW holds no time that goes back as far as to 7 us', [at([0], 1, 2, 2 ** 33 + 100), at([7])]],
    [
      'evt2',
      'RAW holds times within 2^53 us, not those from 9007199254740000 on',
      [at([0], 1, 2, 9007199254740000)],
    ],
    ['evt3', 'RAW holds no time that goes back as far as to 7 us', [at([9_000_000, 7])]],
    ['evt3', 'RAW holds no time that goes back as far as to 16777000 us', [at([16_777_300, 16_777_000])]],
    ['evt3', 'RAW holds times within 2^53 us, not those from NaN on', [at([0], 1, 2, Number.NaN)]],
    ['es', 'Event Stream counts time in steps from 0', [at([0], 1, 2, Number.NaN)]],
    ['nmnist', 'N-MNIST files count time from 0', [at([0], 1, 2, Number.NaN)]],
    ['es', 'Event Stream counts time in steps from 0', [at([9, 8])]],
    ['es', 'Event Stream counts time in steps from 0', [BEFORE_ZERO]],
    ['es', 'Event Stream counts time in steps from 0', [at([4_000_000_000, 5])]],
    ['nmnist', 'N-MNIST files count time from 0', [BEFORE_ZERO]],
    ['nmnist', 'N-MNIST files count time from 0', [at([10_000_000, 5])]],
    ['nmnist', 'N-MNIST files count time from 0', [at([0], 1, 2, 2 ** 40)]],
  ] as const)('times that %s cannot say', (name, message, chunks) => {
    expect(() => write(name, ...chunks)).toThrow(OptionError);
    expect(() => write(name, ...chunks)).toThrow(message);
  });

  it.each(['aedat2', 'aedat4', 'dat', 'evt2', 'evt3', 'nmnist'])(
    'but not steps back that %s can say',
    (name) => {
      expect(() => write(name, at([5000, 4990, 100, 5100]))).not.toThrow();
    },
  );
});
