/** Memory from here on is fresh from the system, or from no cache. */
const LARGE_BYTES = 2 ** 20;

/**
 * The same fresh zeros. A large array is written once from end to end: the allocator's zeros are in no cache, and its
 * pages may not even be there; events that fall here and there would wait for them one by one.
 */
export function resident<T extends Float32Array | Float64Array>(zeros: T): T {
  if (zeros.byteLength >= LARGE_BYTES) zeros.fill(0);
  return zeros;
}
