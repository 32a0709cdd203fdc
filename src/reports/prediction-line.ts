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

/** How a line is laid out. */
export interface PredictionLayout {
  /** Time from which seconds are counted, in microseconds. */
  readonly firstMicros: number;
  /** Width of the longest class name in characters. */
  readonly nameWidth: number;
}

/** One window for people: its time since the first event, the class, its probability, events, spikes of each layer. */
export function predictionLine(
  { startMicros, endMicros, className, probability, rates, events }: PredictionText,
  { firstMicros, nameWidth }: PredictionLayout,
): string {
  const seconds = [startMicros, endMicros].map((micros) =>
    ((micros - firstMicros) / 1e6).toFixed(3).padStart(8),
  );
  const layers = Object.entries(rates).map(([layer, rate]) => `${layer} ${percent(rate).padStart(5)}`);
  return [
    `${seconds.join(' to')} s`,
    `${className.padEnd(nameWidth)} ${percent(probability).padStart(6)}`,
    `${events.toString().padStart(7)} events`,
    `spikes ${layers.join('  ')}`,
  ].join('   ');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
