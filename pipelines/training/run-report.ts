import { basename, join, resolve } from 'node:path';
import type { NetworkReport, Report } from '../../src/reports/report-data.ts';
import { writeFileAtomic } from '../../src/streams/atomic-file.ts';
import type { PipelineContext } from '../definition.ts';
import type { RunConfig, RunDirectory } from './run-directory.ts';

/** A run as it stands on disk. */
export interface OpenedRun {
  readonly run: RunDirectory;
  readonly config: RunConfig;
}

/** What runs say: one of them in full, or several beside each other. Reads files only, so it needs no engine. */
export async function reportOf(runs: readonly OpenedRun[]): Promise<Report> {
  const networks = (await Promise.all(runs.map(networksOf))).flat();
  const simulated = runs.filter(({ config }) => config.simulated);
  const notes = simulated.map(
    ({ run, config }) =>
      `${runs.length === 1 ? 'Simulated' : `${basename(run.path)} is simulated`}: no sensor saw these events (${config.data}); the accuracy says nothing about real recordings.`,
  );
  for (const { run, config } of runs) {
    notes.push(...((await run.readResult())?.remarks ?? config.remarks ?? []));
  }
  const references = new Map(
    runs.flatMap(({ config }) => config.references ?? []).map((reference) => [reference.label, reference]),
  );
  return {
    title: titleOf(runs),
    facts: factsOf(runs),
    notes,
    networks: labelled(networks),
    references: [...references.values()],
  };
}

interface RunNetwork {
  readonly run: string;
  readonly network: Omit<NetworkReport, 'label'> & { readonly name: string };
}

async function networksOf({ run, config }: OpenedRun): Promise<RunNetwork[]> {
  const lines = await run.readMetrics();
  return Promise.all(
    config.networks.map(async (name) => ({
      run: run.path,
      network: {
        name,
        classNames: config.classNames,
        epochs: lines.filter(({ model }) => model === name),
        measures: await run.readMeasures(name),
      },
    })),
  );
}

/** Names that tell networks apart: their own where these do, else with their run's. */
function labelled(networks: readonly RunNetwork[]): NetworkReport[] {
  const candidates: readonly ((each: RunNetwork) => string)[] = [
    ({ network }) => network.name,
    ({ run }) => basename(resolve(run)),
    ({ run, network }) => `${basename(resolve(run))} ${network.name}`,
  ];
  const differs = (label: (each: RunNetwork) => string): boolean =>
    new Set(networks.map(label)).size === networks.length;
  const label = candidates.find(differs) ?? (({ run, network }) => `${run} ${network.name}`);
  return networks.map((each) => {
    const { name: _, ...network } = each.network;
    return { label: label(each), ...network };
  });
}

function titleOf(runs: readonly OpenedRun[]): string {
  const [first] = runs;
  if (runs.length === 1) return `${first!.config.pipeline}: ${basename(resolve(first!.run.path))}`;
  return `${runs.length} runs of ${[...new Set(runs.map(({ config }) => config.pipeline))].join(', ')}`;
}

function factsOf(runs: readonly OpenedRun[]): [string, string][] {
  const same = (value: (config: RunConfig) => string): string =>
    [...new Set(runs.map(({ config }) => value(config)))].join(', ');
  return [
    ['data', same(({ data }) => data)],
    ['preset', same(({ options }) => String(options['preset'] ?? 'none'))],
    ['seed', same(({ options }) => String(options['seed'] ?? 'none'))],
    [
      'engine',
      same(
        ({ engine }) => `${engine.name}, ${engine.threads === 1 ? '1 thread' : `${engine.threads} threads`}`,
      ),
    ],
    ['started', same(({ startedAt }) => startedAt.slice(0, 16).replace('T', ' '))],
    ['rxspike', same(({ versions }) => versions.rxspike)],
    ['Node', same(({ versions }) => versions.node)],
  ];
}

/** Files of a report. */
const reportFiles = ['report.html', 'report.svg', 'report.png'] as const;

/**
 * Writes a report as page, drawing and picture.
 * @param theme of the picture; page and drawing follow their reader's
 */
export async function writeReport(
  folder: string,
  report: Report,
  theme: 'light' | 'dark' = 'light',
): Promise<string[]> {
  // Drawing takes a page to draw in: loaded when there is something to draw.
  const [{ reportPanels }, { reportHtml }, { reportSvg }, { toPng }] = await Promise.all([
    import('../../src/reports/report-panels.ts'),
    import('../../src/reports/report-html.ts'),
    import('../../src/reports/report-svg.ts'),
    import('../../src/reports/picture.ts'),
  ]);
  const panels = reportPanels(report);
  const svg = reportSvg(report, panels);
  const contents = [reportHtml(report, panels), svg, await toPng(svg, theme)];
  const paths = reportFiles.map((name) => join(folder, name));
  for (const [index, path] of paths.entries()) await writeFileAtomic(path, contents[index]!);
  return paths;
}

/** Writes the report of a run that ended, as far as it came; that it cannot be drawn is no fault of the run. */
export async function reportRun(opened: OpenedRun, { progress }: PipelineContext): Promise<void> {
  try {
    const report = await reportOf([opened]);
    if (report.networks.every(({ epochs }) => epochs.length === 0)) return;
    await writeReport(opened.run.path, report);
  } catch (error) {
    progress.note(`no report: ${(error as Error).message}`);
  }
}
