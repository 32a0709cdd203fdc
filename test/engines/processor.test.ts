import { describe, expect, it } from 'vitest';
import { FunctionBuilder, moduleBytes, type Value } from '../../src/engines/wasm/assembler.ts';
import { type Heap, Processor, UNIT_PARAMETERS } from '../../src/engines/wasm/processor.ts';
import { forEachValue } from '../../src/engines/wasm/vectors.ts';
import { webAssembly } from '../../src/engines/wasm/web-assembly.ts';

/** A heap that only grows. */
function heap(): Heap {
  const { Memory } = (
    globalThis as unknown as { WebAssembly: { Memory: new (size: object) => Heap['memory'] } }
  ).WebAssembly;
  let next = 64;
  return {
    memory: new Memory({ initial: 64, maximum: 65536, shared: true }),
    allocate: (bytes) => {
      const address = next;
      next += Math.ceil(bytes / 16) * 16;
      return address;
    },
    free: () => {},
  };
}

/** Writes, for each unit, which thread ran it. */
function threadProgram(): FunctionBuilder {
  const builder = new FunctionBuilder([...UNIT_PARAMETERS, 'i32']);
  const [begin, end, thread, output] = builder.parameters as [Value, Value, Value, Value];
  builder.forEach(begin, end, (unit) =>
    builder.store(builder.add(output, builder.multiply(unit, 4)), thread),
  );
  return builder;
}

describe('threads', () => {
  it('share the units in order, and the result is the same without them', async () => {
    const memory = heap();
    const processor = new Processor(memory, 3);
    const units = 10;
    const output = memory.allocate(4 * units);
    const program = processor.program('threads', threadProgram);
    let threads: number[] = [];
    // Helpers take part as soon as they have started.
    for (let tries = 0; threads.at(-1) !== 2 && tries < 1000; tries++) {
      processor.run(program, units, 1e6, [output]);
      threads = [...processor.integers(output, units)];
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(threads).toStrictEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 2]);
    processor.run(program, units, 10, [output]);
    expect([...processor.integers(output, units)], 'too little work to share').toStrictEqual(
      Array(units).fill(0),
    );
    processor.stop();
  });

  it('say when a helper fails', async () => {
    const memory = heap();
    const processor = new Processor(memory, 2);
    const program = processor.program('threads', threadProgram);
    const far = 2 ** 31;
    expect(() => {
      for (;;) processor.run(program, 2, 1e6, [far]);
    }).toThrow();
    processor.stop();
  });
});

describe('the assembler', () => {
  const run = (build: (builder: FunctionBuilder) => void): Int32Array => {
    const builder = new FunctionBuilder([]);
    build(builder);
    const { memory } = heap();
    const module = new webAssembly.Module(moduleBytes(builder));
    (new webAssembly.Instance(module, { env: { memory } }).exports['run'] as () => void)();
    return new Int32Array(memory.buffer, 0, 16);
  };

  it.each([0, 1, 63, 64, -64, -65, 127, 128, 8191, 8192, -8193, 2 ** 31 - 1, -(2 ** 31)])(
    'encodes the whole number %i',
    (value) => {
      const memory = run((builder) => builder.store(builder.integer(0), builder.integer(value)));
      expect(memory[0]).toBe(value);
    },
  );

  it('loops, compares and branches', () => {
    const memory = run((builder) => {
      const sum = builder.copy(builder.integer(0));
      builder.forEach(3, builder.integer(7), (index) => builder.advance(sum, index));
      builder.store(builder.integer(0), sum);
      builder.store(builder.integer(4), builder.minimum(builder.integer(5), builder.integer(-1)));
      builder.forEach(7, builder.integer(7), () => builder.store(builder.integer(8), builder.integer(1)));
    });
    expect([...memory.subarray(0, 3)]).toStrictEqual([18, 5, 0]);
  });

  it('visits values by fours and the rest one by one', () => {
    for (const count of [0, 1, 4, 7, 13]) {
      const memory = run((builder) =>
        forEachValue(builder, builder.integer(count), (m, offset) =>
          builder.store(offset, m.constant(m.count)),
        ),
      );
      const floats = new Float32Array(memory.buffer, 0, 16);
      const whole = count - (count % 4);
      expect([...floats]).toStrictEqual(
        Array.from({ length: 16 }, (_, i) => (i < whole ? 4 : i < count ? 1 : 0)),
      );
    }
  });
});

describe('exponentials', () => {
  it('are right to a few units in the last place', () => {
    const memory = heap();
    const processor = new Processor(memory, 1);
    const values = Float32Array.from({ length: 1000 }, (_, i) => (i - 900) / 10);
    const address = memory.allocate(4 * values.length);
    processor.view(address, values.length).set(values);
    const program = processor.program('exp', () => {
      const builder = new FunctionBuilder([...UNIT_PARAMETERS, 'i32', 'i32']);
      const [, , , place, count] = builder.parameters as [Value, Value, Value, Value, Value];
      forEachValue(builder, count, (m, offset) => {
        const at = builder.add(place, offset);
        builder.store(at, m.exp(m.load(at)));
      });
      return builder;
    });
    processor.run(program, 1, 0, [address, values.length - 1]);
    processor.view(address, values.length - 1).forEach((found, i) => {
      const expected = Math.exp(Math.max(Math.fround(-87.3), values[i]!));
      expect(Math.abs(found / expected - 1)).toBeLessThan(3e-7);
    });
  });
});
