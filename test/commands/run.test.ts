import { describe, expect, it } from 'vitest';
import { pipelineNames } from '../../pipelines/index.ts';
import { OptionError } from '../../src/errors.ts';
import { jsonLines, runProgram } from './run-program.ts';

describe('pipeline list', () => {
  it('names every pipeline with what it does', async () => {
    const { out, err, code } = await runProgram(['list']);
    expect({ err, code }).toEqual({ err: '', code: 0 });
    for (const name of pipelineNames()) expect(out).toMatch(new RegExp(`^  ${name} +\\w`, 'm'));
  });

  it('prints a JSON line for each', async () => {
    const lines = jsonLines((await runProgram(['list', '--json'])).out);
    expect(lines.map(({ name }) => name)).toEqual(pipelineNames());
    const train = lines.find(({ name }) => name === 'cifar10dvs-train');
    expect(train).toMatchObject({ type: 'pipeline', summary: expect.any(String) });
    expect(train!['presets']).toContain('quick');
    expect(train!['options']).toContain('batchSize');
  });
});

describe('pipeline engines', () => {
  it('shows every engine with its state, and marks what auto takes', async () => {
    const { out, err, code } = await runProgram(['engines']);
    expect({ err, code }).toEqual({ err: '', code: 0 });
    expect(out).toMatch(/^.* wasm +ready +/m);
    expect(out).toMatch(/^\* +\w+ +ready +/m);
  });

  it('prints a JSON line for each, one being the default', async () => {
    const lines = jsonLines((await runProgram(['engines', '--json'])).out);
    expect(lines.map(({ name }) => name)).toEqual(expect.arrayContaining(['tensorflow', 'wasm', 'cpu']));
    expect(lines.filter((line) => line['default'] === true)).toHaveLength(1);
    for (const line of lines)
      expect(line).toMatchObject({ type: 'engine', state: expect.stringMatching(/^(ready|absent|broken)$/) });
  });
});

describe('pipeline run', () => {
  it('lists the pipelines in its help', async () => {
    const { out, code } = await runProgram(['run', '--help']);
    expect(code).toBe(0);
    for (const name of pipelineNames()) expect(out).toContain(`  ${name} `);
  });

  it.each(pipelineNames())('shows every option of %s with its default, and examples', async (name) => {
    const { out, code } = await runProgram(['run', name, '--help']);
    expect(code).toBe(0);
    expect(out).toContain(`Usage: pipeline run ${name} [options]`);
    expect(out).toMatch(/^ {2}--engine <NAME> /m);
    expect(out).toContain(`Examples:\n  pipeline run ${name} `);
    expect(await runProgram(['help', 'run', name])).toEqual(await runProgram(['run', name, '--help']));
  });

  it('shows the presets with what they stand for', async () => {
    const { out } = await runProgram(['run', 'cifar10dvs-train', '--help']);
    expect(out).toMatch(/^Presets:\n/m);
    expect(out).toMatch(/^ {2}quick: .*--size 48/m);
  });

  it.each([
    [
      ['run', 'nmist-train'],
      /^unknown pipeline 'nmist-train' \(did you mean nmnist-train\?\); there are .*cifar10dvs-train/,
    ],
    [['run', 'nmnist-train', '--epoch', '3'], /^unknown option '--epoch' \(did you mean .*--epochs.*\)$/],
    [
      ['run', 'nmnist-train', '--epochs', '0'],
      /^--epochs: expected a whole number of at least 1, found "0"$/,
    ],
    [
      ['run', 'nmnist-train', '--epochs', 'ten'],
      /^--epochs: expected a whole number of at least 1, found "ten"$/,
    ],
    [['run', 'nmnist-train', '--engine', 'gpu'], /^--engine: expected .*wasm.*, found "gpu"$/],
    [['run', 'nmnist-train', '--preset', 'slow'], /^--preset: expected .*quick.*, found "slow"$/],
    [['run', 'nmnist-train', 'extra'], /^too many arguments/],
    [
      ['run', '--epochs', '3', 'nmnist-train'],
      /^unknown option '--epochs'; options of a pipeline come after its name/,
    ],
  ])('refuses %j in one line', async (args, message) => {
    const { error, out, err } = await runProgram(args);
    expect(error).toBeInstanceOf(OptionError);
    expect(error?.message).toMatch(message);
    expect(error?.message).not.toContain('\n');
    expect(out + err).toBe('');
  });
});
