/** Numbers as reports write them. */

/** A share as a percentage: 0.9512 is `95.1 %`. */
export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** A whole number with its digits in groups of three: 1,234,567. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

/** An amount with three digits and a prefix for thousands: 1234567 is `1.23 M`. */
export function scaled(value: number): string {
  const prefixes = ['', 'k', 'M', 'G', 'T', 'P'];
  let [amount, step] = [value, 0];
  while (amount >= 999.5 && step < prefixes.length - 1) {
    amount /= 1000;
    step++;
  }
  const digits = amount >= 100 || (step === 0 && Number.isInteger(amount)) ? 0 : amount >= 10 ? 1 : 2;
  return `${amount.toFixed(digits)} ${prefixes[step]}`.trimEnd();
}

/** Energy in joules from picojoules: 123456 is `123 nJ`. */
export function energy(picojoules: number): string {
  const units = ['pJ', 'nJ', 'µJ', 'mJ', 'J'];
  let [amount, step] = [picojoules, 0];
  while (amount >= 999.5 && step < units.length - 1) {
    amount /= 1000;
    step++;
  }
  return `${amount.toPrecision(3)} ${units[step]}`;
}

/** Time for people: `12.3 s`, `4 min 05 s`, `2 h 03 min`. */
export function duration(seconds: number): string {
  if (seconds < 99.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}
