import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { darkPalette, palette } from '../reports/palette.ts';
import { readPageModules } from './page-modules.ts';

/** The page as it is served. */
export interface DashboardPage {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

const require = createRequire(import.meta.url);

let page: Promise<DashboardPage> | undefined;

/** The page with all that it needs inside: styles, uPlot, its own modules. */
export function readPage(): Promise<DashboardPage> {
  page ??= makePage();
  return page;
}

async function makePage(): Promise<DashboardPage> {
  const [ownStyle, plotStyle, plot, modules] = await Promise.all([
    readFile(new URL('page/style.css', import.meta.url), 'utf8'),
    readFile(require.resolve('uplot/dist/uPlot.min.css'), 'utf8'),
    readFile(require.resolve('uplot/dist/uPlot.iife.min.js'), 'utf8'),
    readPageModules(),
  ]);
  const style = `${plotStyle}\n${colours()}\n${ownStyle}`;
  const scripts = [plot, modules];
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(icon)}">
<title>rxspike</title>
<style>${style}</style>
</head>
<body>
<noscript>The dashboard needs JavaScript.</noscript>
${scripts.map((script) => `<script>${script}</script>`).join('\n')}
</body>
</html>
`;
  return { html, headers: headersFor(Buffer.byteLength(html), scripts, style) };
}

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M1 11h4l2-8 2.5 11 1.5-3h4" fill="none" stroke="${palette.series[0]}" stroke-width="1.8" stroke-linejoin="round"/></svg>`;

function headersFor(bytes: number, scripts: readonly string[], style: string): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `script-src ${scripts.map(hashSource).join(' ')}`,
    `style-src ${hashSource(style)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-length': String(bytes),
    'content-security-policy': policy.join('; '),
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
}

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** The colours of reports as custom properties: by the reader's preference, or by what was chosen on the page. */
function colours(): string {
  const properties = ({ series, ...roles }: typeof palette): string =>
    [
      ...Object.entries(roles).map(
        ([name, colour]) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}: ${colour};`,
      ),
      ...series.map((colour, index) => `--series-${index}: ${colour};`),
    ].join(' ');
  return [
    `:root { color-scheme: light; ${properties(palette)} }`,
    `:root[data-theme="dark"] { color-scheme: dark; ${properties(darkPalette)} }`,
  ].join('\n');
}
