/**
 * The errors that a user can cause or cure. Each message is one line: the subject, what was expected, what was
 * found, and where. Only the program's entry prints them; anything else that is thrown is a fault of ours.
 */
export abstract class RxspikeError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** Bytes that are not what their format promises. */
export class FormatError extends RxspikeError {
  readonly path: string | undefined;
  readonly byteOffset: number | undefined;

  /** @param byteOffset position of the fault in the file or stream, in bytes from its start */
  constructor(message: string, where: { path?: string; byteOffset?: number } = {}, options?: ErrorOptions) {
    const at = where.byteOffset === undefined ? '' : ` at byte ${where.byteOffset}`;
    super(`${where.path === undefined ? '' : `${where.path}: `}${message}${at}`, options);
    this.path = where.path;
    this.byteOffset = where.byteOffset;
  }
}

/** A path that cannot be read, or does not hold what was asked for. */
export class InputError extends RxspikeError {
  readonly path: string | undefined;

  constructor(message: string, path?: string, options?: ErrorOptions) {
    super(path === undefined ? message : `${path}: ${message}`, options);
    this.path = path;
  }
}

/** An option, configuration or argument outside what is accepted. */
export class OptionError extends RxspikeError {}

/** Tensors or batches whose shapes do not fit; the message prints both. */
export class ShapeError extends RxspikeError {}

/** A tensor engine that is missing, broken, or lacks something. */
export class EngineError extends RxspikeError {}
