import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LiveClock } from '../../../src/streams/live/live-clock.ts';

const WRAP = 2 ** 32;

describe('LiveClock', () => {
  it('keeps the device times of a sorted stream as they are', () => {
    const clock = new LiveClock();
    expect([3_799_644_735, 3_799_644_735, 3_799_650_000].map((t) => clock.timed(t, 0))).toEqual([
      3_799_644_735, 3_799_644_735, 3_799_650_000,
    ]);
    expect(clock.backward).toBe(0);
  });

  it('unwraps 32 bits any number of times', () => {
    const clock = new LiveClock();
    const step = 2 ** 31 - 1;
    for (let i = 0, micros = 7; i < 12; i++, micros += step) {
      expect(clock.timed(micros % WRAP, 0)).toBe(micros);
    }
  });

  it('raises and counts small steps back', () => {
    const clock = new LiveClock();
    expect([1000, 900, 990, 1001].map((t) => clock.timed(t, 0))).toEqual([1000, 1000, 1000, 1001]);
    expect([clock.backward, clock.restarts]).toEqual([2, 0]);
  });

  it('does not take a step back across the wrap for 71 minutes ahead', () => {
    const clock = new LiveClock();
    expect([5, WRAP - 6, 10].map((t) => clock.timed(t, 0))).toEqual([5, 5, 10]);
    expect(clock.backward).toBe(1);
  });

  it('goes on where it was when the sender starts again', () => {
    const clock = new LiveClock();
    expect([60_000_000, 100, 350].map((t) => clock.timed(t, 0))).toEqual([
      60_000_000, 60_000_000, 60_000_250,
    ]);
    expect([clock.backward, clock.restarts]).toEqual([0, 1]);
  });

  it('takes arrival times where events carry none', () => {
    const clock = new LiveClock();
    expect([500, 500, 800].map((arrival) => clock.untimed(arrival))).toEqual([500, 500, 800]);
  });

  it('joins timed and untimed events into one time', () => {
    const clock = new LiveClock();
    expect(clock.timed(1_000_000, 50)).toBe(1_000_000);
    expect(clock.untimed(250)).toBe(1_000_200);
    expect(clock.timed(1_000_300, 260)).toBe(1_000_300);
    const other = new LiveClock();
    expect(other.untimed(400)).toBe(400);
    expect(other.timed(9_000_000, 410)).toBe(400);
    expect(other.timed(9_000_050, 410)).toBe(450);
  });

  it('never goes back, whatever comes', () => {
    const event = fc.record({ t: fc.option(fc.integer({ min: 0, max: WRAP - 1 })), wait: fc.nat(100_000) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 50 }), (events) => {
        const clock = new LiveClock();
        let arrival = 0;
        let before = 0;
        for (const { t, wait } of events) {
          arrival += wait;
          const time = t === null ? clock.untimed(arrival) : clock.timed(t, arrival);
          expect(Number.isSafeInteger(time)).toBe(true);
          expect(time).toBeGreaterThanOrEqual(before);
          before = time;
        }
      }),
    );
  });

  it('keeps times of 64 bits as they are, and joins a clock that is far ahead', () => {
    const clock = new LiveClock();
    const start = 1_718_000_000_000_000;
    expect([start, start + 5, start + 4_000_000].map((t) => clock.wide(t, 0))).toEqual([
      start,
      start + 5,
      start + 4_000_000,
    ]);
    const hour = 3_600_000_000;
    expect(clock.wide(start + 2 * hour, 1000)).toBe(start + 4_000_000);
    expect(clock.wide(start + 2 * hour + 7, 1000)).toBe(start + 4_000_007);
    expect(clock.restarts).toBe(1);
  });

  it('believes a silence of hours that was one here too', () => {
    const clock = new LiveClock();
    const hours = 7_200_000_000;
    clock.wide(100, 0);
    expect(clock.wide(100 + hours, hours)).toBe(100 + hours);
    expect(clock.restarts).toBe(0);
  });

  it('joins the clock of another sender, ahead or behind', () => {
    const clock = new LiveClock();
    clock.wide(1000, 0);
    clock.join();
    expect([900, 950].map((t) => clock.wide(t, 0))).toEqual([1000, 1050]);
    clock.join();
    expect([70_000, 70_001].map((t) => clock.timed(t, 0))).toEqual([1050, 1051]);
    expect([clock.backward, clock.restarts]).toEqual([0, 0]);
  });
});
