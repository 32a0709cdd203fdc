import { afterEach, describe, expect, it, vi } from 'vitest';
import { benchOptions, json } from '../../bench/options.ts';

const declared = {
  python: { value: 'PYTHON', help: 'a Python', default: 'python3' },
  only: { value: 'TEXT', help: 'rows', default: '' },
  rounds: { value: 'N', help: 'turns', default: 3 },
  model: { value: 'RUN', help: 'a network' },
  json,
  child: { value: 'FILE' },
} as const;

/** What a benchmark is told, or what it prints, with its status, before it ends. */
function told(args: readonly string[], command = 'npm run bench:it --'): unknown {
  const argv = process.argv;
  process.argv = ['node', 'it.js', ...args];
  const said: unknown[] = [];
  const exit = vi.spyOn(process, 'exit').mockImplementation((code) => {
    throw new Error(`exit ${code}`);
  });
  vi.spyOn(console, 'log').mockImplementation((text) => said.push(text));
  vi.spyOn(console, 'error').mockImplementation((text) => said.push(text));
  try {
    return benchOptions(command, 'How fast it is.', declared);
  } catch {
    return [...said, ...exit.mock.calls.flat()];
  } finally {
    process.argv = argv;
  }
}

afterEach(() => vi.restoreAllMocks());

describe('options of a benchmark', () => {
  it('have the kind of their defaults', () => {
    const usual = { python: 'python3', only: '', rounds: 3, model: undefined, json: false, child: undefined };
    expect(told([])).toEqual({ options: usual, files: [] });
    const given = { ...usual, rounds: 1.5, model: 'a', json: true, child: 'f' };
    expect(told(['--rounds', '1.5', '--json', '--model=a', '--child', 'f'])).toEqual({
      options: given,
      files: [],
    });
    expect(told(['x', 'y'], 'node it.js FILE…')).toEqual({ options: usual, files: ['x', 'y'] });
  });

  it('are explained by --help, but for what processes of its own are told', () => {
    expect(told(['--help'])).toEqual([
      `Usage: npm run bench:it -- [options]

How fast it is.

Options:
  --python PYTHON  a Python (python3)
  --only TEXT      rows
  --rounds N       turns (3)
  --model RUN      a network
  --json           print JSON lines`,
      0,
    ]);
  });

  it.each([
    [['--onyl', 'x'], "Unknown option '--onyl'; --help says what there is"],
    [['x'], "Unexpected argument 'x'; --help says what there is"],
    [
      ['--rounds', 'three'],
      '--rounds: expected a number of at least 0, found "three"; --help says what there is',
    ],
    [['--rounds', ''], '--rounds: expected a number of at least 0, found ""; --help says what there is'],
    [['--json=1'], "Option '--json' does not take an argument; --help says what there is"],
    [['--model'], "Option '--model <value>' argument missing; --help says what there is"],
  ])('%j is refused in one line', (args, line) => {
    expect(told(args)).toEqual([line, 1]);
  });
});
