import { readFile } from 'node:fs/promises';

const ENTRY = 'dashboard/page/main.js';
const required = /require\("(\.[^"]+)"\)/g;
/** Tests run from sources; the build compiles the page to `browser/`. */
const fromSources = import.meta.url.endsWith('.ts');

/**
 * The modules of the page as one script. They are CommonJS here, each a function that is called when it is first
 * required: so a page of several files needs no bundler.
 */
export async function readPageModules(): Promise<string> {
  const root = new URL(fromSources ? '../' : 'browser/', import.meta.url);
  const modules = new Map<string, string>();
  const read = async (name: string): Promise<void> => {
    const code = await readModule(new URL(name, root));
    const nameOf = (path: string): string => new URL(path, `file:///${name}`).pathname.slice(1);
    const named = code.replace(required, (_, path: string) => `require(${JSON.stringify(nameOf(path))})`);
    modules.set(name, named.replace(/^\/\/# sourceMappingURL=.*$/m, ''));
    for (const [, path] of code.matchAll(required)) {
      if (!modules.has(nameOf(path!))) await read(nameOf(path!));
    }
  };
  await read(ENTRY);
  const functions = [...modules].map(
    ([name, code]) => `${JSON.stringify(name)}(exports, require) {\n${code}\n}`,
  );
  return `{
const modules = {\n${functions.join(',\n')}\n};
const loaded = {};
const require = (name) => {
  if (!(name in loaded)) modules[name]((loaded[name] = {}), require);
  return loaded[name];
};
require(${JSON.stringify(ENTRY)});
}`;
}

async function readModule(url: URL): Promise<string> {
  if (!fromSources) return readFile(url, 'utf8');
  const [{ default: ts }, source] = await Promise.all([
    import('typescript'),
    readFile(new URL(url.href.replace(/\.js$/, '.ts')), 'utf8'),
  ]);
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.CommonJS,
    rewriteRelativeImportExtensions: true,
  };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}
