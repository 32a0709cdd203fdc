/**
 * What became of what was sent. Always received = outOfRange + thinned + dropped + delivered + waiting; what was not
 * received is lost on the way: `systemDrops` datagrams on this machine, and where the protocol numbers its datagrams
 * `lost` of them anywhere.
 */
export interface LiveCounters {
  /** Datagrams, or messages of a WebSocket. */
  readonly datagrams: number;
  readonly bytes: number;
  /** Datagrams and packets that are not what their protocol promises; dropped as a whole. */
  readonly malformed: number;
  /** Events in the others. */
  readonly received: number;
  /** Events outside the sensor, dropped. */
  readonly outOfRange: number;
  /** Events whose time went back and was raised to the time before it. */
  readonly backward: number;
  /** Times that the sender's clock started again. */
  readonly restarts: number;
  /** Events that carried no time and have that of their arrival. */
  readonly untimed: number;
  /** Datagrams that did not come, by their sequence numbers. */
  readonly lost: number;
  /** Datagrams that came after one that was sent later; their events are taken. */
  readonly late: number;
  /** Datagrams that came again, dropped. */
  readonly duplicates: number;
  /** Records and packets of another kind (frames, inertial samples, triggers), passed over. */
  readonly skipped: number;
  /** Connections that were made. */
  readonly connections: number;
  /** Events handed to the consumer. */
  readonly delivered: number;
  /** Events that were dropped because the consumer was slow. */
  readonly dropped: number;
  /** Events that were left out because the consumer was slow and the policy is to thin. */
  readonly thinned: number;
  /** Events in the ring now. */
  readonly waiting: number;
  /** Datagrams that the system dropped before they could be read; absent where it does not say. */
  readonly systemDrops?: number;
}
