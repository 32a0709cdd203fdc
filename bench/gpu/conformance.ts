import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runFor } from './run-for.ts';

/** What the conformance suite found of an engine. */
export interface Conformance {
  readonly passed: number;
  readonly failed: number;
  /** Name and first line of what failed first. */
  readonly firstFailure?: string;
  /** Why the suite did not end as it should. */
  readonly fault?: string;
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

/** How the suite is run. */
export interface SuiteOptions {
  readonly quick: boolean;
  readonly seconds: number;
  /** Engines at once, and processes of each. */
  readonly atOnce: number;
  readonly workers: number;
}

/**
 * Runs the engines' suite, each engine in processes of its own: one that crashes says so, and the others go on.
 * @param root folder of the packed build
 * @returns by engine
 */
export async function conform(
  root: string,
  engines: readonly string[],
  options: SuiteOptions,
): Promise<ReadonlyMap<string, Conformance>> {
  const found = new Map<string, Conformance>();
  const waiting = [...engines];
  const ends = performance.now() + 1000 * options.seconds;
  const next = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const seconds = (ends - performance.now()) / 1000;
      found.set(
        name,
        seconds < 5
          ? { passed: 0, failed: 0, fault: 'no time was left' }
          : await conformOne(root, name, { ...options, seconds }),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, options.atOnce) }, next));
  return found;
}

async function conformOne(
  root: string,
  engine: string,
  { quick, seconds, workers }: SuiteOptions,
): Promise<Conformance> {
  const report = join(root, `conformance-${engine}.json`);
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const own = ['--reporter=json', `--outputFile=${report}`, `--maxWorkers=${workers}`];
  const { fault } = await runFor(process.execPath, [vitest, 'run', ...(quick ? short : suite), ...own], {
    ...{ cwd: root, seconds },
    env: { ...process.env, RXSPIKE_TEST_ENGINES: engine },
  });
  let results: { readonly testResults: readonly { readonly assertionResults: readonly Assertion[] }[] };
  try {
    results = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { passed: 0, failed: 0, fault: fault ?? 'the suite leaves no report' };
  }
  const tests = results.testResults.flatMap((file) => file.assertionResults);
  const ofEngine = tests.filter((test) => isOf(test, engine));
  const failures = ofEngine.filter(({ status }) => status === 'failed');
  const passed = ofEngine.filter(({ status }) => status === 'passed').length;
  const [first] = failures;
  return {
    ...{ passed, failed: failures.length },
    ...(first && { firstFailure: `${first.fullName}: ${first.failureMessages[0]?.split('\n')[0] ?? ''}` }),
    // A suite with failures ends so; without them something else went wrong.
    ...(fault !== undefined && first === undefined && { fault }),
  };
}

/** Suites are titled `what (engine)` or `what (engine, how)`. */
function isOf({ ancestorTitles }: Assertion, engine: string): boolean {
  return ancestorTitles.some((title) => /\((\w+)(?:, [^)]*)?\)$/.exec(title)?.[1] === engine);
}
