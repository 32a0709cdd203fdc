import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventRing, eventBlock } from '../../../src/streams/live/ring.ts';

function push(ring: EventRing, ...micros: number[]): boolean {
  const block = eventBlock(micros.length);
  block.length = micros.length;
  block.micros.set(micros);
  return ring.push(block, 0);
}

function fill(ring: EventRing, from: number, count: number, step = 10): void {
  const block = eventBlock(count);
  for (let i = from; i < from + count; i++) {
    const at = block.length++;
    block.micros[at] = i * step;
    block.x[at] = i % 7;
    block.y[at] = i % 5;
    block.on[at] = i % 2;
  }
  ring.push(block, 0);
}

describe('EventRing', () => {
  it('gives an empty chunk where nothing is held', () => {
    const chunk = new EventRing(4).take(10);
    expect(chunk.t).toHaveLength(0);
    expect(chunk.origin).toBe(0);
  });

  it('gives events in their order, with times after the first', () => {
    const ring = new EventRing(8);
    fill(ring, 3, 4);
    const chunk = ring.take(3);
    expect(chunk.origin).toBe(30);
    expect([...chunk.t]).toEqual([0, 10, 20]);
    expect([...chunk.x]).toEqual([3, 4, 5]);
    expect([...chunk.y]).toEqual([3, 4, 0]);
    expect([...chunk.on]).toEqual([1, 0, 1]);
    expect(ring.length).toBe(1);
  });

  it('drops and counts the oldest when full', () => {
    const ring = new EventRing(4);
    fill(ring, 0, 10);
    expect(ring.dropped).toBe(6);
    expect([...ring.take(10).t]).toEqual([0, 10, 20, 30]);
    expect(ring.length).toBe(0);
  });

  it('ends a chunk where its times would need more than 32 bits', () => {
    const ring = new EventRing(4);
    push(ring, 5, 5 + 0xffffffff, 6 + 0xffffffff, 7 + 2 ** 33);
    expect([...ring.take(10).t]).toEqual([0, 0xffffffff]);
    expect(ring.take(10).origin).toBe(6 + 0xffffffff);
    expect(ring.take(10).origin).toBe(7 + 2 ** 33);
  });

  it('counts what is cleared as dropped', () => {
    const ring = new EventRing(4);
    fill(ring, 0, 3);
    ring.clear();
    expect([ring.length, ring.dropped]).toEqual([0, 3]);
  });

  it('loses no count: pushed = taken + dropped + held, and what is taken is the newest in order', () => {
    const steps = fc.array(fc.record({ push: fc.nat(20), take: fc.nat(20) }), { maxLength: 30 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), steps, (capacity, script) => {
        const ring = new EventRing(capacity);
        const model: number[] = [];
        let pushed = 0;
        let taken = 0;
        for (const { push, take } of script) {
          fill(ring, pushed, push, 1);
          for (let i = 0; i < push; i++) {
            model.push(pushed++);
            if (model.length > capacity) model.shift();
          }
          const chunk = ring.take(take);
          taken += chunk.t.length;
          expect([...chunk.t].map((t) => t + chunk.origin)).toEqual(model.splice(0, take));
        }
        expect(taken + ring.dropped + ring.length).toBe(pushed);
      }),
    );
  });
});
