const RESTART_MICROS = 1_000_000;
const EPOCH_MICROS = 2 ** 31;

/**
 * One time for a live stream, in microseconds, that never goes back: made of the device times that events carry and,
 * for events that carry none, of their time of arrival.
 *
 * A device time of 32 bits wraps every 71.6 minutes, so a step of less than half of that counts as forward. A step
 * back is raised to the time before it; one of more than a second means that the sender has started again, and its
 * time goes on from where the stream is. So does a step forward that is 35 minutes longer than what has passed here.
 */
export class LiveClock {
  /** Events whose time was raised to the one before. */
  backward = 0;
  /** Times that the sender's clock started again. */
  restarts = 0;
  /** Time of the last event. */
  now = 0;
  #started = false;
  /** Device time, unwrapped. */
  #device = 0;
  /** What is added to a device time; unknown before the first. */
  #offset: number | undefined;
  #arrival = 0;

  /**
   * Time of an event that carries one.
   * @param deviceMicros its 32 bits, unsigned
   * @param arrivalMicros when it arrived, on a clock that never goes back
   */
  timed(deviceMicros: number, arrivalMicros: number): number {
    this.#device += (deviceMicros - this.#device) | 0;
    if (this.#offset === undefined) {
      this.#offset = this.#started ? this.now - deviceMicros : 0;
      this.#device = deviceMicros;
    }
    return this.#take(this.#device + this.#offset, arrivalMicros);
  }

  /**
   * Time of an event that carries one which does not wrap.
   * @param deviceMicros exact to 2^53
   * @param arrivalMicros when it arrived, on a clock that never goes back
   */
  wide(deviceMicros: number, arrivalMicros: number): number {
    this.#device = deviceMicros;
    this.#offset ??= this.#started ? this.now - deviceMicros : 0;
    const ahead = deviceMicros + this.#offset - this.now;
    if (this.#started && ahead > EPOCH_MICROS && ahead - (arrivalMicros - this.#arrival) > EPOCH_MICROS) {
      this.restarts++;
      this.#offset -= ahead;
    }
    return this.#take(deviceMicros + this.#offset, arrivalMicros);
  }

  /** Time of an event that carries none. */
  untimed(arrivalMicros: number): number {
    this.now += this.#started ? Math.max(0, arrivalMicros - this.#arrival) : arrivalMicros;
    this.#arrival = arrivalMicros;
    this.#started = true;
    return this.now;
  }

  /** Another sender comes, or the next recording: whatever its clock says, its time goes on from where the stream is. */
  join(): void {
    this.#offset = undefined;
  }

  #take(time: number, arrivalMicros: number): number {
    this.#arrival = arrivalMicros;
    const behind = this.now - time;
    if (!this.#started || behind <= 0) {
      this.now = time;
    } else if (behind <= RESTART_MICROS) {
      this.backward++;
    } else {
      this.restarts++;
      this.#offset! += behind;
    }
    this.#started = true;
    return this.now;
  }
}
