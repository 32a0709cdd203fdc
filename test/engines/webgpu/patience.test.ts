import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Patience } from '../../../src/engines/webgpu/patience.ts';

/** Turns of the event loop until a promise is settled, as one who asks in every turn has them. */
async function turnsUntil(promise: Promise<unknown>): Promise<number> {
  let settled = false;
  let turns = 0;
  promise.then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  while (!settled) {
    await new Promise(setImmediate);
    turns++;
  }
  return turns;
}

describe('patience', () => {
  it('gives what was awaited, several at once', async () => {
    const patience = new Patience();
    const slow = patience.await(sleep(20, 'slow'));
    const fast = patience.await(Promise.resolve('fast'));
    expect([await fast, await slow]).toStrictEqual(['fast', 'slow']);
  });

  it('gives what went wrong', async () => {
    const patience = new Patience();
    await expect(patience.await(Promise.reject(new Error('lost')))).rejects.toThrow('lost');
    expect(await patience.await(sleep(1, 'next'))).toBe('next');
  });

  it('draws turns out while something is awaited', async () => {
    const patience = new Patience();
    // Pauses of a thirtieth of the time waited are 30 log(150) between the first millisecond and the last; without them
    // there are tens of thousands of turns.
    expect(await turnsUntil(patience.await(sleep(150)))).toBeLessThan(2000);
  });
});
