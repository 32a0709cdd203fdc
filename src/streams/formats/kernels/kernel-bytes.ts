import type { EventChunk, SensorSize } from '../../../events.ts';
import { GrowingBytes } from '../growing-bytes.ts';
import { checkWithinSensor } from '../within-sensor.ts';
import { ENCODE_SLACK_BYTES, type EncodeKernel } from './kernel.ts';
import { HEIGHT, LENGTH, type LoopState, STATE_LENGTH, STOPPED, WIDTH } from './state.ts';

/** How events of a format become bytes. */
export interface KernelFormat {
  /** Named in errors. */
  readonly title: string;
  readonly kernel: EncodeKernel;
  /** The most bytes that the kernel writes for an event. */
  readonly mostBytes: number;
}

/** Runs an encoding loop over chunks, and refuses events outside the sensor: their bits would say something else. */
export class KernelBytes {
  readonly state: LoopState = new Int32Array(STATE_LENGTH);
  readonly #format: KernelFormat;
  readonly #sensor: SensorSize;
  #bytes = new GrowingBytes(0);
  /** Bytes that the events to come may need. */
  #ahead = 0;

  constructor(format: KernelFormat, sensor: SensorSize) {
    this.#format = format;
    this.#sensor = sensor;
    this.state[WIDTH] = sensor.width;
    this.state[HEIGHT] = sensor.height;
  }

  /**
   * The bytes of a chunk.
   * @param place prepares the state for an event: for the first one, and wherever the kernel stops
   * @param headBytes are left free before them
   */
  encode(chunk: EventChunk, place: (event: number) => void = () => undefined, headBytes = 0): Uint8Array {
    const { state } = this;
    const { title, kernel, mostBytes } = this.#format;
    const events = chunk.t.length;
    this.#bytes = new GrowingBytes(headBytes + mostBytes * events + ENCODE_SLACK_BYTES);
    state[LENGTH] = headBytes;
    state[STOPPED] = 1;
    for (let event = 0; event < events; ) {
      if (state[STOPPED] !== 0) {
        checkWithinSensor(title, chunk, event, this.#sensor);
        this.#ahead = mostBytes * (events - event) + ENCODE_SLACK_BYTES;
        place(event);
        state[STOPPED] = 0;
      }
      event = kernel(chunk, event, this.#bytes.view, state);
    }
    return this.#bytes.written(state[LENGTH]);
  }

  /** Adds `length` bytes, which `place` writes before its event; gives the view and where in it they begin. */
  insert(length: number): { view: DataView; at: number } {
    const at = this.state[LENGTH]!;
    const view = this.#bytes.reserve(at, length + this.#ahead);
    this.state[LENGTH] = at + length;
    return { view, at };
  }
}
