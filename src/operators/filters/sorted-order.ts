/** Values of one digit of a key. */
const DIGITS = 1 << 11;

/**
 * The places of whole numbers in ascending order, equal ones in the order they stand: by digits, the least first, as
 * many as the range of the numbers has.
 */
export function sortedOrder(values: Float64Array): Uint32Array {
  const { length } = values;
  let order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  let isSorted = true;
  for (let i = 0; i < length; i++) {
    const value = values[i]!;
    if (value < greatest) isSorted = false;
    else greatest = value;
    if (value < least) least = value;
  }
  if (isSorted) return order;
  let other = new Uint32Array(length);
  const starts = new Uint32Array(DIGITS);
  const digits = new Uint16Array(length);
  for (let unit = 1; unit <= greatest - least; unit *= DIGITS) {
    starts.fill(0);
    const perUnit = 1 / unit;
    for (let i = 0; i < length; i++) {
      // Beyond 32 bits, only the lower ones are looked at: those of this digit are among them.
      const digit = Math.floor((values[i]! - least) * perUnit) & (DIGITS - 1);
      digits[i] = digit;
      starts[digit]!++;
    }
    let sum = 0;
    for (let digit = 0; digit < DIGITS; digit++) {
      const count = starts[digit]!;
      starts[digit] = sum;
      sum += count;
    }
    for (let i = 0; i < length; i++) other[starts[digits[order[i]!]!]!++] = order[i]!;
    [order, other] = [other, order];
  }
  return order;
}
