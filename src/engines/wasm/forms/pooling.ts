/** Pooling of squares, four channels at a time; a unit of work is a row of squares. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { AveragePoolAttributes } from '../../kernels/average-pool.ts';
import type { KernelForm } from '../../kernels/kernel.ts';
import type { MaxPoolAttributes } from '../../kernels/max-pool.ts';
import { poolShape } from '../../kernels/pool-shape.ts';
import { FunctionBuilder, type Value } from '../assembler.ts';
import type { WasmDevice } from '../device.ts';
import { UNIT_PARAMETERS } from '../processor.ts';
import { forEachValue, type Lanes } from '../vectors.ts';

export function averagePoolForm(device: WasmDevice): KernelForm<'input', AveragePoolAttributes> {
  return ({ input }, { size }) => {
    const pooled = device.allocate(poolShape(input.shape, size));
    run(device, 'averagePool', size, input.shape, [input, pooled]);
    return [pooled];
  };
}

export function averagePoolGradientForm(
  device: WasmDevice,
): KernelForm<'outputGradient', AveragePoolAttributes> {
  return ({ outputGradient }, { size, height, width }) => {
    const [maps, , , channels] = outputGradient.shape as [number, number, number, number];
    const inputGradient = device.allocate([maps, height, width, channels]);
    clearUncovered(device, inputGradient, size);
    run(device, 'averagePoolGradient', size, inputGradient.shape, [inputGradient, outputGradient]);
    return [inputGradient];
  };
}

export function maxPoolForm(device: WasmDevice): KernelForm<'input', MaxPoolAttributes> {
  return ({ input }, { size }) => {
    const pooled = device.allocate(poolShape(input.shape, size));
    run(device, 'maxPool', size, input.shape, [input, pooled]);
    return [pooled];
  };
}

export function maxPoolGradientForm(
  device: WasmDevice,
): KernelForm<'input' | 'outputGradient', MaxPoolAttributes> {
  return ({ input, outputGradient }, { size }) => {
    const inputGradient = device.allocate(input.shape);
    clearUncovered(device, inputGradient, size);
    run(device, 'maxPoolGradient', size, input.shape, [input, outputGradient, inputGradient]);
    return [inputGradient];
  };
}

/** Sets pixels that no square covers to zero, together with the others. */
function clearUncovered(device: WasmDevice, maps: TensorInfo, size: number): void {
  const [, height, width] = maps.shape as [number, number, number, number];
  if (height % size !== 0 || width % size !== 0) device.view(maps).fill(0);
}

/** A square of pixels and its one pooled value: byte offsets, the same in all tensors of a size. */
interface Square {
  readonly pixels: readonly Value[];
  readonly pooled: Value;
}

type Body = (builder: FunctionBuilder, m: Lanes, square: Square, tensors: readonly Value[]) => void;

const bodies: Record<string, Body> = {
  averagePool: (builder, m, { pixels, pooled }, [input, output]) => {
    const values = pixels.map((pixel) => m.load(builder.add(input!, pixel)));
    const sum = values.reduce((total, value) => m.add(total, value));
    builder.store(builder.add(output!, pooled), m.mul(sum, m.constant(1 / pixels.length)));
  },
  averagePoolGradient: (builder, m, { pixels, pooled }, [inputGradient, outputGradient]) => {
    const share = m.mul(m.load(builder.add(outputGradient!, pooled)), m.constant(1 / pixels.length));
    for (const pixel of pixels) builder.store(builder.add(inputGradient!, pixel), share);
  },
  maxPool: (builder, m, { pixels, pooled }, [input, output]) => {
    const values = pixels.map((pixel) => m.load(builder.add(input!, pixel)));
    builder.store(
      builder.add(output!, pooled),
      values.reduce((most, value) => m.max(most, value)),
    );
  },
  maxPoolGradient: (builder, m, { pixels, pooled }, [input, outputGradient, inputGradient]) => {
    const values = pixels.map((pixel) => m.load(builder.add(input!, pixel)));
    const most = values.reduce((best, value) => m.max(best, value));
    const dy = m.load(builder.add(outputGradient!, pooled));
    let open = m.constant(1);
    for (const [index, pixel] of pixels.entries()) {
      const first = m.mul(open, m.lessEqual(most, values[index]!));
      builder.store(builder.add(inputGradient!, pixel), m.mul(dy, first));
      open = m.sub(open, first);
    }
  },
};

function run(
  device: WasmDevice,
  name: keyof typeof bodies,
  size: number,
  inputShape: readonly number[],
  tensors: readonly TensorInfo[],
): void {
  const [maps, rows, columns, channels] = poolShape(inputShape, size) as [number, number, number, number];
  const [, height, width] = inputShape as [number, number, number, number];
  const program = device.processor.program(`${name}/${size}`, () =>
    squareProgram(size, tensors.length, bodies[name]!),
  );
  device.processor.run(program, maps * rows, maps * height * width * channels, [
    ...[height, width, rows, columns, channels],
    ...tensors.map((tensor) => device.address(tensor)),
  ]);
}

function squareProgram(size: number, tensors: number, body: Body): FunctionBuilder {
  const own = Array.from({ length: 5 + tensors }, () => 'i32' as const);
  const builder = new FunctionBuilder([...UNIT_PARAMETERS, ...own]);
  const [begin, end, , height, width, rows, columns, channels, ...addresses] = builder.parameters as [
    Value,
    Value,
    Value,
    Value,
    Value,
    Value,
    Value,
    Value,
    ...Value[],
  ];
  const pixelBytes = builder.multiply(channels, 4);
  const rowBytes = builder.multiply(width, pixelBytes);
  const squareBytes = builder.multiply(pixelBytes, size);
  // Within its map, a pixel of a square lies whole rows and whole pixels after the square's corner.
  const within = Array.from({ length: size * size }, (_, pixel) =>
    builder.add(
      builder.multiply(rowBytes, Math.floor(pixel / size)),
      builder.multiply(pixelBytes, pixel % size),
    ),
  );
  builder.forEach(begin, end, (row) => {
    const map = builder.run('i32.div_u', row, rows);
    const y = builder.multiply(builder.run('i32.rem_u', row, rows), size);
    const corner = builder.multiply(builder.add(builder.multiply(map, height), y), rowBytes);
    const pooled = builder.multiply(builder.multiply(row, columns), pixelBytes);
    builder.forEach(0, columns, () => {
      forEachValue(builder, channels, (m, channel) => {
        const first = builder.add(corner, channel);
        const square = {
          pixels: within.map((offset) => builder.add(first, offset)),
          pooled: builder.add(pooled, channel),
        };
        body(builder, m, square, addresses);
      });
      builder.advance(corner, squareBytes);
      builder.advance(pooled, pixelBytes);
    });
  });
  return builder;
}
