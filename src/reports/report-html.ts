import { percent } from './numbers.ts';
import { darkStyle, pageColours } from './palette.ts';
import { escaped, FONT, type Panel } from './panels/panel.ts';
import type { NetworkReport, Report } from './report-data.ts';
import { summaryOf } from './summary.ts';
import type { Column } from './table.ts';

const style = `${pageColours}
${darkStyle}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 32px 64px; max-width: 1260px; background: var(--paper); color: var(--ink); font: 15px/1.5 ${FONT}; }
h1 { font-size: 24px; margin: 8px 0; }
h2 { font-size: 18px; margin: 40px 0 8px; }
.facts, .notes { color: var(--quiet); margin: 4px 0; }
.warning { font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 16px 0 8px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 14px 4px 0; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--faint); }
th.right, td.right { text-align: right; }
.notes { font-size: 13px; padding-left: 18px; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(460px, 100%), 1fr)); gap: 44px; margin-top: 36px; align-items: start; }
.panels svg { max-width: 100%; height: auto; }
.panels svg svg { max-width: none; }
.panels figure { margin: 0; }
summary { cursor: pointer; margin-top: 36px; }`;

/** A report as one page that needs nothing else: table, panels, and the numbers of every epoch. */
export function reportHtml(report: Report, panels: readonly Panel[]): string {
  const { title, facts, notes, networks } = report;
  const summary = summaryOf(report);
  const figures = panels.map(({ svg }) => `<figure>${svg}</figure>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<p class="facts">${facts.map(([name, value]) => escaped(`${name} ${value}`)).join(' · ')}</p>
${notes.map((note) => `<p class="warning">${escaped(note)}</p>`).join('\n')}
${htmlTable(summary.columns, summary.rows)}
<ul class="notes">${summary.notes.map((note) => `<li>${escaped(note)}</li>`).join('')}</ul>
<div class="panels">
${figures.join('\n')}
</div>
${networks.map(networkTables).join('\n')}
</body>
</html>
`;
}

function htmlTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: 'th' | 'td'): string =>
    `<tr>${cells
      .map((cell, index) => {
        const right = columns[index]!.align === 'right' ? ' class="right"' : '';
        return `<${tag}${right}>${escaped(cell)}</${tag}>`;
      })
      .join('')}</tr>`;
  const titles = columns.map(({ title }) => title);
  return `<div class="scroll"><table><thead>${row(titles, 'th')}</thead><tbody>${rows
    .map((cells) => row(cells, 'td'))
    .join('\n')}</tbody></table></div>`;
}

/** Operations by layer and the metrics of all epochs, folded away. */
function networkTables({ label, epochs, measures }: NetworkReport): string {
  const right = (title: string): Column => ({ title, align: 'right' });
  const count = (value: number): string => Math.round(value).toLocaleString('en-US');
  const share = (value: number | undefined): string => (value === undefined ? '–' : percent(value, 2));
  const loss = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(4));
  const epochTable = htmlTable(
    [
      'epoch',
      'train loss',
      'train',
      'validation loss',
      'validation',
      'test loss',
      'test',
      'spike rate',
      'seconds',
    ].map(right),
    epochs.map((line) => [
      String(line.epoch),
      loss(line.trainLoss),
      share(line.trainAccuracy),
      loss(line.validationLoss),
      share(line.validationAccuracy),
      loss(line.testLoss),
      share(line.testAccuracy),
      share(line.spikeRate),
      line.seconds.toFixed(1),
    ]),
  );
  if (measures === undefined) return details(`${label}: epochs`, epochTable);
  const { work } = measures;
  const layerTable = htmlTable(
    [{ title: 'layer' }, { title: 'operation' }, right('effective'), right('dense')],
    work.layers.map(({ layer, binary, effective, dense }) => [
      layer,
      binary ? 'accumulate' : 'multiply-accumulate',
      count(effective),
      count(dense),
    ]),
  );
  const facts = [
    `${count(work.effectiveAcs)} effective accumulates and ${count(work.effectiveMacs)} effective multiply-accumulates of ${count(work.dense)} dense operations a sample, mean of ${work.samples}`,
    `footprint ${count(work.footprintBytes)} bytes, connection sparsity ${percent(work.connectionSparsity, 2)}, activation sparsity ${percent(work.activationSparsity, 2)} (definitions of NeuroBench)`,
  ];
  return details(
    `${label}: operations and epochs`,
    `${facts.map((fact) => `<p>${escaped(fact)}</p>`).join('')}${layerTable}${epochTable}`,
  );
}

function details(title: string, content: string): string {
  return `<details><summary>${escaped(title)}</summary>${content}</details>`;
}
