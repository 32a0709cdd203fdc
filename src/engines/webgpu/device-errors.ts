import { EngineError } from '../../errors.ts';
import type { GpuDevice } from './gpu.ts';

/** What went wrong on the device since it was last asked. */
export class DeviceErrors {
  readonly #messages: string[] = [];
  #lost: string | undefined;

  constructor(device: Pick<GpuDevice, 'lost' | 'addEventListener'>) {
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault?.();
      if (this.#messages.length < 8) this.#messages.push(event.error.message);
    });
    void device.lost.then(({ reason, message }) => {
      if (reason !== 'destroyed') this.#lost = firstLine(message);
    });
  }

  /** Throws what went wrong; an error is told once, a lost device every time. */
  check(): void {
    this.checkLost();
    if (this.#messages.length === 0) return;
    const messages = this.#messages.splice(0);
    // What follows from an error names the kernel where the error itself does not.
    const named = messages
      .map((message) => /\[[^\]"]*"([^"]+)"/.exec(message)?.[1])
      .find((label) => label !== undefined);
    const kernel = named === undefined ? '' : `kernel ${named}: `;
    throw new EngineError(`engine webgpu: ${kernel}${firstLine(messages[0]!)}`);
  }

  /** Throws where the device is lost. */
  checkLost(): void {
    if (this.#lost === undefined) return;
    throw new EngineError(`engine webgpu: the device is lost: ${this.#lost}; start the engine again`);
  }
}

/** The line of a message that says what happened. */
export function firstLine(message: string): string {
  return message.trim().split('\n')[0]!;
}
