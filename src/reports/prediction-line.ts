/** What a prediction line shows. */
export interface PredictionText {
  readonly startMicros: number;
  readonly endMicros: number;
  readonly className: string;
  readonly probability: number;
  /** Share of spikes by layer. */
  readonly rates: Readonly<Record<string, number>>;
  readonly events: number;
}

/** What the line of a live prediction shows besides. */
export interface LivePredictionText extends PredictionText {
  readonly camera: string;
  /** Class of the smoothed decision; null while there is none. */
  readonly decisionName: string | null;
  readonly latencyMillis: number;
  /** Windows that were merged into this one, itself counted. */
  readonly merged: number;
  /** Synaptic operations a second. */
  readonly operationsPerSecond?: number;
}

/** How a line is laid out. */
export interface PredictionLayout {
  /** Time from which seconds are counted, in microseconds. */
  readonly firstMicros: number;
  /** Width of the longest class name in characters. */
  readonly nameWidth: number;
}

/** How a line of one of several cameras is laid out. */
export interface LivePredictionLayout extends PredictionLayout {
  /** Width of the longest camera name in characters; 0 leaves the name out. */
  readonly cameraWidth: number;
}

/** One window for people: its time since the first event, the class, its probability, events, spikes of each layer. */
export function predictionLine(text: PredictionText, layout: PredictionLayout): string {
  return [...windowColumns(text, layout), spikesColumn(text)].join('   ');
}

/** One window of a live stream for people: as `predictionLine`, with the decision, the latency and the operations. */
export function livePredictionLine(text: LivePredictionText, layout: LivePredictionLayout): string {
  const { camera, decisionName, latencyMillis, merged, operationsPerSecond } = text;
  const { nameWidth, cameraWidth } = layout;
  return [
    ...(cameraWidth === 0 ? [] : [camera.padEnd(cameraWidth)]),
    ...windowColumns(text, layout),
    `decided ${(decisionName ?? '-').padEnd(nameWidth)}`,
    `${latencyMillis.toFixed(1).padStart(6)} ms`,
    ...(operationsPerSecond === undefined
      ? []
      : [`${(operationsPerSecond / 1e6).toFixed(1).padStart(7)} Mop/s`]),
    spikesColumn(text),
    ...(merged > 1 ? [`${merged} windows merged`] : []),
  ].join('   ');
}

function windowColumns(
  { startMicros, endMicros, className, probability, events }: PredictionText,
  { firstMicros, nameWidth }: PredictionLayout,
): string[] {
  const seconds = [startMicros, endMicros].map((micros) =>
    ((micros - firstMicros) / 1e6).toFixed(3).padStart(8),
  );
  return [
    `${seconds.join(' to')} s`,
    `${className.padEnd(nameWidth)} ${percent(probability).padStart(6)}`,
    `${events.toString().padStart(7)} events`,
  ];
}

function spikesColumn({ rates }: PredictionText): string {
  const layers = Object.entries(rates).map(([layer, rate]) => `${layer} ${percent(rate).padStart(5)}`);
  return `spikes ${layers.join('  ')}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
