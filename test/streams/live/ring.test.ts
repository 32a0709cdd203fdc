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

  it('drops a stretch at once where it is large, so that gaps are few', () => {
    const ring = new EventRing(800);
    fill(ring, 0, 800);
    fill(ring, 800, 1);
    expect([ring.length, ring.dropped]).toEqual([701, 100]);
    fill(ring, 801, 99);
    expect([ring.length, ring.dropped]).toEqual([800, 100]);
  });

  it('takes a block that is larger than itself, its newest events', () => {
    const ring = new EventRing(4);
    fill(ring, 0, 3);
    fill(ring, 3, 7);
    expect([ring.length, ring.dropped]).toEqual([4, 6]);
    expect([...ring.take(9).t].map((t) => t / 10)).toEqual([0, 1, 2, 3]);
  });

  it('thins from half full until a quarter is left, and counts what it leaves out', () => {
    const ring = new EventRing(100, { overflow: 'thin', thinFactor: 5 });
    fill(ring, 0, 51);
    expect(ring.thinned).toBe(0);
    fill(ring, 51, 20);
    expect([ring.length, ring.thinned, ring.pressure]).toEqual([55, 16, 0.55]);
    ring.take(40);
    fill(ring, 71, 10);
    expect([ring.length, ring.thinned]).toEqual([25, 16]);
  });

  it('tells a consumer that waits, once', () => {
    const ring = new EventRing(8);
    expect(ring.await()).toBe(true);
    expect([push(ring, 1), push(ring, 2)]).toEqual([true, false]);
    expect(ring.await()).toBe(false);
    expect(push(ring, 3)).toBe(false);
  });

  it('knows when the events of a time arrived, until it forgets', () => {
    const ring = new EventRing(8);
    const at = (micros: number, arrival: number): void => {
      const block = eventBlock(1);
      block.length = 1;
      block.micros[0] = micros;
      ring.push(block, arrival);
    };
    for (let i = 1; i <= 10; i++) at(100 * i, 1000 * i);
    expect([0, 100, 101, 950, 1000].map((micros) => ring.arrivalOf(micros))).toEqual([
      1000, 1000, 2000, 10_000, 10_000,
    ]);
    expect(ring.arrivalOf(1001)).toBeUndefined();
    for (let i = 11; i <= 20_000; i++) at(100 * i, 1000 * i);
    expect(ring.arrivalOf(100)).toBeUndefined();
    expect(ring.arrivalOf(1_999_999)).toBe(20_000_000);
  });

  it('is one ring on two threads', () => {
    const ring = new EventRing(16);
    const other = new EventRing(16, {}, ring.shared);
    fill(other, 0, 20);
    expect([ring.length, ring.dropped]).toEqual([16, 4]);
    expect([...ring.take(3).t]).toEqual([0, 10, 20]);
    expect(other.length).toBe(13);
  });
});
