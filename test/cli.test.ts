import { describe, expect, it } from 'vitest';
import { OptionError } from '../src/errors.ts';
import { runProgram } from './commands/run-program.ts';

describe('the program', () => {
  it('teaches with --help: every command with its use, and examples', async () => {
    const { out, err, code } = await runProgram(['--help']);
    expect(code).toBe(0);
    expect(err).toBe('');
    for (const command of ['run', 'list', 'info', 'replay', 'report', 'engines']) {
      expect(out).toMatch(new RegExp(`^  ${command} `, 'm'));
    }
    expect(out).toContain('pipeline run cifar10dvs-train');
  });

  it('prints its version', async () => {
    expect((await runProgram(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('shows help on standard error, and fails, without a command', async () => {
    const { out, err, code } = await runProgram([]);
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err).toContain('Commands:');
  });

  it('answers an unknown command with the known ones and a suggestion', async () => {
    const { error, err } = await runProgram(['inof', 'x']);
    expect(error).toBeInstanceOf(OptionError);
    expect(error?.message).toMatch(
      /^unknown command 'inof' \(did you mean info\?\); there are run, list, info, .*replay, .*engines$/,
    );
    expect(err).toBe('');
  });

  it('shows the help of a command by help and by --help', async () => {
    const [a, b] = [await runProgram(['help', 'info']), await runProgram(['info', '--help'])];
    expect(a).toEqual(b);
    expect(a.code).toBe(0);
    expect(a.out).toContain('Usage: pipeline info [options] <file...>');
    expect((await runProgram(['help'])).out).toContain('Commands:');
  });

  it.each([
    [['info'], "missing required argument 'file'"],
    [['info', '--jsn', 'x'], "unknown option '--jsn' (did you mean --json?)"],
    [['list', 'x'], "too many arguments for 'list'. Expected 0 arguments but got 1."],
    [['engines', '--nope'], "unknown option '--nope'"],
    [['replay', 'x'], 'expected a terminal to show it on, --out FILE to show it in a file, or --model'],
    [['replay', 'x', '--model'], "option '--model <RUN[:NAME]>' argument missing"],
    [
      ['replay', 'x', '--model', 'm', '--speed', 'fast'],
      '--speed: expected max or a number above 0, found "fast"',
    ],
    [['replay', 'x', '--model', 'm', '--speed', '0'], '--speed: expected max or a number above 0, found "0"'],
    [
      ['replay', 'x', '--model', 'm', '--engine', 'gpu'],
      "option '--engine <NAME>' argument 'gpu' is invalid. Allowed choices are auto, tensorflow, native, webgpu, wasm, cpu.",
    ],
    [['--json'], "unknown option '--json'"],
  ])('refuses %j in one line', async (args, message) => {
    const { error, out, err } = await runProgram(args);
    expect(error).toBeInstanceOf(OptionError);
    expect(error?.message).toBe(message);
    expect(out + err).toBe('');
  });
});
