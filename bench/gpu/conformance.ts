import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runFor } from './run-for.ts';

/** What the conformance suite found of an engine. */
export interface Conformance {
  readonly passed: number;
  readonly failed: number;
  /** Name and first line of what failed first. */
  readonly firstFailure?: string;
}

interface Assertion {
  readonly ancestorTitles: readonly string[];
  readonly fullName: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
}

const suite = [
  'test/engines/kernels',
  'test/engines/gradients.test.ts',
  'test/engines/training-step.test.ts',
];
const short = ['test/engines/kernels/lif.test.ts', 'test/engines/kernels/convolution.test.ts'];

/**
 * Runs the engines' suite on all that start here.
 * @param root folder of the packed build
 * @returns by engine; or why there is nothing
 */
export async function conform(
  root: string,
  engines: readonly string[],
  {
    quick,
    seconds,
    workers,
  }: { readonly quick: boolean; readonly seconds: number; readonly workers: number },
): Promise<ReadonlyMap<string, Conformance> | string> {
  const report = join(root, 'conformance.json');
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const files = quick ? short : suite;
  const args = [
    vitest,
    'run',
    ...files,
    '--reporter=json',
    `--outputFile=${report}`,
    `--maxWorkers=${workers}`,
  ];
  const { timedOut, err } = await runFor(process.execPath, args, { cwd: root, seconds });
  if (timedOut) return `not done in ${Math.round(seconds)} s`;
  let results: { readonly testResults: readonly { readonly assertionResults: readonly Assertion[] }[] };
  try {
    results = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return `the suite does not run: ${err.trim().split('\n').at(-1) ?? ''}`;
  }
  const found = new Map<string, { passed: number; failed: number; firstFailure?: string }>();
  for (const assertion of results.testResults.flatMap((file) => file.assertionResults)) {
    const engine = engineOf(assertion, engines);
    if (engine === undefined || (assertion.status !== 'passed' && assertion.status !== 'failed')) continue;
    const counts = found.get(engine) ?? { passed: 0, failed: 0 };
    found.set(engine, counts);
    counts[assertion.status]++;
    if (assertion.status === 'failed') {
      counts.firstFailure ??= `${assertion.fullName}: ${assertion.failureMessages[0]?.split('\n')[0] ?? ''}`;
    }
  }
  return found;
}

/** Suites are titled `what (engine)` or `what (engine, how)`. */
function engineOf({ ancestorTitles }: Assertion, engines: readonly string[]): string | undefined {
  for (const title of ancestorTitles) {
    const named = /\((\w+)(?:, [^)]*)?\)$/.exec(title)?.[1];
    if (named !== undefined && engines.includes(named)) return named;
  }
  return undefined;
}
