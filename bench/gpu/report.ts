import type { Conformance } from './conformance.ts';
import type { Machine } from './machine.ts';

/** What runs when an engine starts, or why it does not. */
export interface EngineResult {
  readonly detail?: string;
  readonly reason?: string;
}

/** The median step of a case. */
export interface Timing {
  readonly case: string;
  readonly worker: string;
  readonly medianSeconds: number;
  readonly peakMebibytes: number;
}

/** All that a check found. */
export interface CheckResult {
  readonly machine: Machine;
  readonly quick: boolean;
  readonly engines: Readonly<Record<string, EngineResult>>;
  readonly conformance: Readonly<Record<string, Conformance>>;
  /** Titles of the cases, by name. */
  readonly cases: Readonly<Record<string, string>>;
  readonly timings: readonly Timing[];
  /** What was not done, with the reason. */
  readonly left: readonly string[];
}

/** A check in Markdown, its table last. */
export function reportText(result: CheckResult): string {
  const { machine, engines, conformance, cases, left, quick } = result;
  const failures = Object.entries(conformance).flatMap(([name, { firstFailure, fault }]) => [
    ...(firstFailure === undefined ? [] : [`- ${name}: first failure: ${firstFailure}`]),
    ...(fault === undefined ? [] : [`- ${name}: the suite: ${fault}`]),
  ]);
  const absent = Object.entries(engines).flatMap(([name, { reason }]) =>
    reason === undefined ? [] : [`- ${name}: ${reason}`],
  );
  const notes = [
    ...(quick ? ['- quick: a part of the suite, one round of few cases'] : []),
    ...left.map((what) => `- left out: ${what}`),
    ...absent,
    ...failures,
    ...(engines['tensorflow']?.detail === undefined
      ? [
          '- libtensorflow does not fit what is carried: the one of the Python of a machine is used, where it has one',
        ]
      : []),
  ];
  return [
    `# GPU check, ${machine.date.slice(0, 16).replace('T', ' ')}`,
    '',
    `- GPU: ${machine.gpu}`,
    `- processor: ${machine.processor}, ${machine.cores} cores, ${machine.memoryGib} GiB`,
    `- Node ${machine.node}, PyTorch ${machine.pytorch}`,
    `- commit ${machine.commit}`,
    ...notes,
    '',
    ...Object.entries(cases).map(([name, title]) => `- \`${name}\`: ${title}`),
    '',
    'Median milliseconds of a step, steps a second, and speed against the fastest PyTorch.',
    '',
    ...table(result),
    '',
  ].join('\n');
}

function table({ engines, conformance, cases, timings, machine }: CheckResult): string[] {
  const names = Object.keys(cases);
  const peers = [...new Set(timings.map(({ worker }) => worker))].filter((name) =>
    name.startsWith('pytorch'),
  );
  const fastest = new Map(
    names.map((name) => {
      const own = timings.filter((timing) => timing.case === name && timing.worker.startsWith('pytorch'));
      return [name, Math.min(...own.map(({ medianSeconds }) => medianSeconds))];
    }),
  );
  const cell = (name: string, worker: string): string => {
    const found = timings.find((timing) => timing.case === name && timing.worker === worker);
    if (found === undefined) return '-';
    const times = fastest.get(name)! / found.medianSeconds;
    const milliseconds = (1000 * found.medianSeconds).toFixed(found.medianSeconds < 0.1 ? 2 : 0);
    const rate = 1 / found.medianSeconds;
    const rounded = rate >= 1000 ? rate.toFixed(0) : rate.toPrecision(3);
    return `${milliseconds} (${rounded}/s${Number.isFinite(times) ? `, ${times.toFixed(2)} x` : ''})`;
  };
  const rows = Object.entries(engines).map(([name, { detail }]) => {
    const { passed, failed, fault } = conformance[name] ?? { passed: 0, failed: 0 };
    const suite =
      fault !== undefined
        ? passed + failed === 0
          ? 'see above'
          : `${passed} passed, not to its end`
        : passed + failed === 0
          ? '-'
          : failed === 0
            ? `${passed} passed`
            : `${failed} of ${passed + failed} FAILED`;
    return [name, detail ?? 'does not run: see above', suite, ...names.map((each) => cell(each, name))];
  });
  for (const peer of peers) rows.push([peer, machine.pytorch, '-', ...names.map((each) => cell(each, peer))]);
  if (peers.length === 0) rows.push(['pytorch', machine.pytorch, '-', ...names.map(() => '-')]);
  const lines = [['engine', 'device', 'conformance', ...names], ...rows].map((row) =>
    row.map((text) => text.replaceAll('|', '/').replaceAll('\n', ' ')),
  );
  const widths = lines[0]!.map((_, column) => Math.max(3, ...lines.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, column) => text.padEnd(widths[column]!)).join(' | ')} |`;
  return [line(lines[0]!), line(widths.map((width) => '-'.repeat(width))), ...lines.slice(1).map(line)];
}
