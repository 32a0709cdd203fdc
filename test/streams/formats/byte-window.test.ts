import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWindow } from '../../../src/streams/formats/byte-window.ts';
import { RecordCarry } from '../../../src/streams/formats/record-carry.ts';

describe('ByteWindow', () => {
  it('gives what spans blocks as it gives what does not', () => {
    const steps = fc.array(fc.record({ kind: fc.constantFrom('take', 'peek', 'skip'), length: fc.nat(40) }), {
      maxLength: 60,
    });
    const blockSizes = fc.array(fc.nat(17), { maxLength: 200 });
    fc.assert(
      fc.property(steps, blockSizes, (wanted, sizes) => {
        const window = new ByteWindow();
        let pushed = 0;
        let taken = 0;
        const todo = [...wanted];
        for (const size of sizes) {
          const block = Uint8Array.from({ length: size }, (_, i) => (pushed + i) & 255);
          pushed += size;
          window.push(block);
          for (let step = todo[0]; step !== undefined; step = todo[0]) {
            if (step.kind === 'skip') {
              const skipped = window.skip(step.length);
              expect(skipped).toBe(Math.min(step.length, pushed - taken));
              taken += skipped;
            } else {
              const bytes = window[step.kind as 'take' | 'peek'](step.length);
              if (bytes === undefined) {
                expect(pushed - taken).toBeLessThan(step.length);
                break;
              }
              expect([...bytes]).toEqual(Array.from({ length: step.length }, (_, i) => (taken + i) & 255));
              if (step.kind === 'take') taken += step.length;
            }
            todo.shift();
            expect(window.offset).toBe(taken);
            expect(window.available).toBe(pushed - taken);
          }
          // A decoder asks until it gets nothing; then the block is the caller's again.
          window.peek(1000);
          block.fill(99);
        }
      }),
    );
  });
});

describe('RecordCarry', () => {
  it('cuts blocks of any sizes into whole records', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.array(fc.nat(30)), (size, sizes) => {
        const carry = new RecordCarry(size);
        const records: number[] = [];
        let pushed = 0;
        for (const length of sizes) {
          const block = Uint8Array.from({ length }, (_, i) => (pushed + i) & 255);
          pushed += length;
          carry.feed(block, (view) => {
            expect(view.byteLength % size).toBe(0);
            for (let i = 0; i < view.byteLength; i++) records.push(view.getUint8(i));
          });
          block.fill(99);
        }
        expect(carry.held).toBe(pushed % size);
        expect(records).toEqual(Array.from({ length: pushed - carry.held }, (_, i) => i & 255));
      }),
    );
  });
});
