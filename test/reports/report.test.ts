import { JSDOM } from 'jsdom';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { toPng } from '../../src/reports/picture.ts';
import type { Report } from '../../src/reports/report-data.ts';
import { reportHtml } from '../../src/reports/report-html.ts';
import { reportPanels } from '../../src/reports/report-panels.ts';
import { reportSvg } from '../../src/reports/report-svg.ts';
import { summaryOf } from '../../src/reports/summary.ts';
import { networkReport, reportWith } from './report-cases.ts';

const xml = (svg: string): Document => new JSDOM(svg, { contentType: 'image/svg+xml' }).window.document;
const drawn = (report: Report): string => reportSvg(report, reportPanels(report));
const titles = (svg: string): (string | null)[] =>
  [...xml(svg).documentElement.querySelectorAll(':scope > svg')].map((panel) =>
    panel.getAttribute('aria-label'),
  );

const cases: [string, ReturnType<typeof reportWith>][] = [
  ['one network', reportWith([networkReport('net', 4)])],
  ['one epoch', reportWith([networkReport('net', 1)])],
  ['hundreds of epochs', reportWith([networkReport('net', 300)])],
  ['two networks', reportWith([networkReport('snn', 3), networkReport('ann', 5)])],
  ['one that has not begun', reportWith([networkReport('snn', 3), networkReport('ann', 0)])],
  ['no epoch', reportWith([networkReport('net', 0)])],
  ['many networks', reportWith(Array.from({ length: 12 }, (_, index) => networkReport(`net${index}`, 2)))],
  ['many classes', reportWith([networkReport('net', 2, 101)])],
];

describe.each(cases)('a report of %s', (_, report) => {
  const panels = reportPanels(report);
  const html = reportHtml(report, panels);

  it('is well-formed, has only finite places, and shows the networks', () => {
    const svg = reportSvg(report, panels);
    expect(svg + html).not.toMatch(/NaN|Infinity|undefined/);
    const { documentElement } = xml(svg);
    expect(documentElement.querySelector('parsererror')).toBeNull();
    for (const { label } of report.networks) expect(documentElement.textContent).toContain(label);
  });

  it('is a page that needs nothing else', () => {
    const { document } = new JSDOM(html).window;
    expect(document.querySelectorAll('script, link, img, iframe, object').length).toBe(0);
    expect(html).not.toMatch(/(src|href)=|url\(|@import/);
    expect(document.querySelectorAll('thead th').length).toBeGreaterThan(0);
    expect(html).toContain('prefers-color-scheme: dark');
  });
});

describe('a report', () => {
  it('has the panels that its runs have data for', () => {
    expect(titles(drawn(reportWith([networkReport('net', 2)])))).toStrictEqual([
      'Accuracy',
      'Loss',
      'Spike rate by layer',
      'Confusion',
      'Operations of a sample',
      'Spikes of one sample',
      'Membrane potentials',
    ]);
    expect(titles(drawn(reportWith([networkReport('lyapunov', 2)])))[3]).toBe('Measured');
    const two = titles(drawn(reportWith([networkReport('snn', 2), networkReport('ann', 2)])));
    expect(two.slice(0, 4)).toStrictEqual(['Accuracy', 'Loss', 'Spike rate', 'Spike rate by layer: snn']);
    expect(titles(drawn(reportWith([networkReport('net', 0)])))).toStrictEqual([]);
  });

  it('writes names as text, whatever they are', () => {
    const name = '<script>alert("1")</script>&';
    const report = {
      ...reportWith([networkReport(name, 2), networkReport('b', 2)]),
      title: name,
      notes: [name],
    };
    const panels = reportPanels(report);
    const [html, svg] = [reportHtml(report, panels), reportSvg(report, panels)];
    for (const text of [html, svg]) {
      expect(text).not.toContain('<script');
      expect(text).not.toContain('alert("');
    }
    expect(xml(svg).documentElement.textContent).toContain(name);
    expect(new JSDOM(html).window.document.querySelector('h1')!.textContent).toBe(name);
  });

  it('is the same picture in both themes but for its colours', async () => {
    const svg = drawn(reportWith([networkReport('net', 3)]));
    const [light, dark] = await Promise.all((['light', 'dark'] as const).map((theme) => toPng(svg, theme)));
    const pictures = await Promise.all(
      [light, dark].map((png) => sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true })),
    );
    const [first, second] = pictures as [(typeof pictures)[0], (typeof pictures)[0]];
    expect(first.info).toMatchObject({ width: second.info.width, height: second.info.height });
    expect([...first.data.subarray(0, 3)]).toStrictEqual([255, 255, 255]);
    expect([...second.data.subarray(0, 3)]).toStrictEqual([0x12, 0x16, 0x1c]);
    // Paper is what most of a picture is, and ink is not paper.
    const paper = (data: Buffer, [r, g, b]: readonly number[]): number => {
      let count = 0;
      for (let i = 0; i < data.length; i += 3)
        if (data[i] === r && data[i + 1] === g && data[i + 2] === b) count++;
      return (3 * count) / data.length;
    };
    const shares = [paper(first.data, [255, 255, 255]), paper(second.data, [0x12, 0x16, 0x1c])];
    for (const share of shares) {
      expect(share).toBeGreaterThan(0.5);
      expect(share).toBeLessThan(0.97);
    }
    expect(shares[0]! / shares[1]!).toBeCloseTo(1, 1);
  });
});

describe('the summary', () => {
  it('says what each network reached and took', () => {
    const { columns, rows } = summaryOf(reportWith([networkReport('net', 4), networkReport('none', 0)]));
    expect(columns.map(({ title }) => title)).toStrictEqual([
      'network',
      'accuracy',
      'on',
      'gap',
      'best epoch',
      'spike rate',
      'parameters',
      'energy',
      'dense',
      'rule of thumb',
      'time',
    ]);
    expect(rows).toStrictEqual([
      [
        'net',
        '45.00 %',
        'test',
        '0.00',
        '4 of 4',
        '8.00 %',
        '1,234,567',
        '4.60 nJ',
        '185 nJ',
        '0.031',
        '4 min 06 s',
      ],
      ['none', ...Array(9).fill('–'), '0.0 s'],
    ]);
  });

  it('has a column for what else was measured', () => {
    const { columns, rows } = summaryOf(reportWith([networkReport('lyapunov', 4), networkReport('net', 4)]));
    expect(columns.map(({ title }) => title).slice(-2)).toStrictEqual(['lambda (tangent)', 'time']);
    expect(rows.map((row) => row.at(-2))).toStrictEqual(['-0.1000', '–']);
  });

  it('has no gap where there is nothing to compare with', () => {
    const { columns, notes } = summaryOf(reportWith([networkReport('net', 1)]));
    expect(columns.map(({ title }) => title)).not.toContain('gap');
    expect(notes.join()).not.toContain('gap');
  });
});
