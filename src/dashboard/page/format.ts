/** Numbers as people read them; `–` stands for what is not known. */

const NONE = '–';

type Maybe = number | null | undefined;

function known(value: Maybe): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** 1234567 as 1.23 M. */
export function count(value: Maybe): string {
  if (!known(value)) return NONE;
  for (const [unit, name] of [
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (value >= 0.9995 * unit) return `${significant(value / unit)} ${name}`;
  }
  return significant(value);
}

/** A share as a percentage. */
export function percent(value: Maybe, digits = 1): string {
  return known(value) ? `${(100 * value).toFixed(digits)} %` : NONE;
}

/** A share beside an axis, as few digits as it needs. */
export function percentTick(value: number): string {
  return `${Number((100 * value).toFixed(3))} %`;
}

/** Bytes in MiB or GiB. */
export function bytes(value: Maybe): string {
  if (!known(value)) return NONE;
  return value < 2 ** 30 ? `${Math.round(value / 2 ** 20)} MiB` : `${(value / 2 ** 30).toFixed(2)} GiB`;
}

/** Milliseconds. */
export function millis(value: Maybe): string {
  return known(value) ? `${significant(value)} ms` : NONE;
}

/** A duration in seconds, minutes or hours. */
export function duration(seconds: Maybe): string {
  if (!known(seconds)) return NONE;
  if (seconds < 100) return `${significant(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A loss and the like. */
export function decimal(value: Maybe, digits = 3): string {
  return known(value) ? value.toFixed(digits) : NONE;
}

/** A loss beside an axis, as few digits as it needs. */
export function decimalTick(value: number): string {
  return String(Number(value.toFixed(4)));
}

/** Three digits that count, without an exponent. */
function significant(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95 || size === 0) return String(Math.round(value));
  if (size >= 9.995) return value.toFixed(1);
  return size >= 0.9995 ? value.toFixed(2) : value.toFixed(3);
}
