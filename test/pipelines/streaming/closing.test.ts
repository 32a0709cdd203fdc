import { describe, expect, it } from 'vitest';
import { withClosing } from '../../../pipelines/streaming/closing.ts';

describe('withClosing', () => {
  it('closes the last opened first', async () => {
    const closed: number[] = [];
    await withClosing(async ({ later }) => {
      for (const i of [1, 2, 3]) later(async () => closed.push(i));
    });
    expect(closed).toEqual([3, 2, 1]);
  });

  it('closes all, whatever fails, and throws the first fault', async () => {
    const closed: number[] = [];
    const failing = withClosing(async ({ later }) => {
      later(() => closed.push(1));
      later(() => {
        throw new Error('close');
      });
      later(() => closed.push(3));
      throw new Error('work');
    });
    await expect(failing).rejects.toThrow('work');
    expect(closed).toEqual([3, 1]);
  });
});
