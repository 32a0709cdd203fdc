import { FormatError } from '../../errors.ts';
import type { DecodeCounters } from './format.ts';

/** A FormatError at a byte of a file or stream whose path may be unknown. */
export function formatFault(
  message: string,
  path: string | undefined,
  byteOffset: number,
  cause?: unknown,
): FormatError {
  return new FormatError(
    message,
    path === undefined ? { byteOffset } : { path, byteOffset },
    cause === undefined ? undefined : { cause },
  );
}

/** Counters at zero. */
export function zeroCounters(): DecodeCounters {
  return { events: 0, backward: 0, outOfRange: 0, skipped: 0 };
}
