/** What recordings hold besides events, delivered one by one to `DecodeOptions.others`; times in microseconds. */
export type OtherRecord = FrameRecord | InertialRecord | TriggerRecord;

/** A picture of the sensor's active pixels. */
export interface FrameRecord {
  readonly kind: 'frame';
  /** When it was taken: the middle of the exposure, or what the file calls its time. */
  readonly micros: number;
  /** Start and end of the exposure, where the file says. */
  readonly exposureMicros?: readonly [start: number, end: number];
  readonly width: number;
  readonly height: number;
  /** Place of its top left pixel on the sensor. */
  readonly left: number;
  readonly top: number;
  /** 1 grey; 3 blue, green, red; 4 with alpha. */
  readonly channels: number;
  /** [height, width, channels], 8 or 16 bits a value. */
  readonly pixels: Uint8Array | Uint16Array;
}

/** A sample of the inertial unit; axes as the camera has them. */
export interface InertialRecord {
  readonly kind: 'inertial';
  readonly micros: number;
  /** x, y, z in g. */
  readonly acceleration: readonly [number, number, number];
  /** Around x, y, z in degrees a second. */
  readonly rotation: readonly [number, number, number];
  /** x, y, z in microtesla, where the unit has a compass. */
  readonly magnetism?: readonly [number, number, number];
  /** In degrees Celsius. */
  readonly temperature: number;
}

/** A signal from outside or from the camera itself. */
export interface TriggerRecord {
  readonly kind: 'trigger';
  readonly micros: number;
  /** Number of the signal in its format. */
  readonly type: number;
  /** What the number means: `rising`, `falling`, `pulse`, `reset`, `exposure start`, or `other`. */
  readonly name: string;
  /** Input that it came from, where the format numbers them. */
  readonly channel?: number;
}
