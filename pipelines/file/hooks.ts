import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { ModuleKind, ScriptTarget, TranspileOutput } from 'typescript';

/**
 * Hooks of Node's module loader (https://nodejs.org/api/module.html#customization-hooks) for files outside the package:
 * `rxspike` is the running library, packages that the file's own folder lacks are those of the library, and TypeScript
 * is stripped where Node does not. They are synchronous, so that they serve both `registerHooks` and `register`.
 */

interface LoadResult {
  readonly format: string;
  readonly source: string;
  readonly shortCircuit: true;
}

/** What the hooks use of the package `typescript`. */
interface TypeScript {
  readonly ModuleKind: typeof ModuleKind;
  readonly ScriptTarget: typeof ScriptTarget;
  transpileModule(source: string, options: object): TranspileOutput;
}

const library = new URL(`../../src/index${import.meta.url.slice(-3)}`, import.meta.url).href;
const bare = /^(?![./#]|[a-z][a-z+.-]*:)/i;
const typescriptFile = /\.m?ts$/;

/** The resolve hook: where a specifier leads. */
export function resolve<C extends { parentURL?: string | undefined }, R>(
  specifier: string,
  context: C,
  next: (specifier: string, context: C) => R,
): R | { url: string; shortCircuit: true } {
  if (asking) return next(specifier, context);
  if (specifier === 'rxspike') return { url: library, shortCircuit: true };
  const { parentURL } = context;
  const lacking =
    parentURL?.startsWith('file:') &&
    bare.test(specifier) &&
    !isBuiltin(specifier) &&
    !isInstalled(specifier, parentURL) &&
    isInstalled(specifier, library);
  return next(specifier, lacking ? { ...context, parentURL: library } : context);
}

/** The load hook: the source of a module. */
export function load<C, R>(url: string, context: C, next: (url: string, context: C) => R): R | LoadResult {
  if (!url.startsWith('file:') || !needsStripping(url) || url.includes('/node_modules/')) {
    return next(url, context);
  }
  return { format: 'module', source: strip(url), shortCircuit: true };
}

/** Whether a module is TypeScript that this Node does not run by itself. */
export function needsStripping(url: string): boolean {
  const { typescript } = process.features as { typescript?: string | false };
  return typescriptFile.test(url) && !typescript;
}

/** Where the package `typescript` is for a module: in the library, or where the module's own imports lead. */
export function findTypeScript(url: string): string | undefined {
  for (const from of [library, url]) {
    try {
      return createRequire(from).resolve('typescript');
    } catch {
      // the next place
    }
  }
  return undefined;
}

/** JavaScript of a module in TypeScript, with its source map; unchecked, as Node's own stripping is. */
function strip(url: string): string {
  const fileName = fileURLToPath(url);
  const compiler = findTypeScript(url);
  if (compiler === undefined) throw new SyntaxError(`${fileName}: TypeScript is not installed`);
  const ts: TypeScript = createRequire(library)(compiler);
  const { outputText, diagnostics = [] } = ts.transpileModule(readFileSync(fileName, 'utf8'), {
    fileName,
    reportDiagnostics: true,
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      inlineSourceMap: true,
    },
  });
  const [first] = diagnostics;
  if (first !== undefined) {
    const line = first.file?.getLineAndCharacterOfPosition(first.start ?? 0).line ?? 0;
    const { messageText } = first;
    const text = typeof messageText === 'string' ? messageText : messageText.messageText;
    throw new SyntaxError(`${text} (${fileName}:${line + 1})`);
  }
  return outputText;
}

/** `registerHooks` also sees what `createRequire` resolves: such a question is Node's to answer. */
let asking = false;

function isInstalled(specifier: string, parentURL: string): boolean {
  asking = true;
  try {
    createRequire(parentURL).resolve(specifier);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND';
  } finally {
    asking = false;
  }
}
