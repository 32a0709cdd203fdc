import { describe, expect, it } from 'vitest';
import { description, table } from '../../src/reports/table.ts';

describe('table', () => {
  it('aligns its columns, without blanks at line ends', () => {
    const columns = [{ title: 'name' }, { title: 'n', align: 'right' as const }, { title: 'note' }];
    expect(
      table(columns, [
        ['a', '10', ''],
        ['longer', '5', 'x'],
      ]),
    ).toBe('name     n  note\n' + 'a       10\n' + 'longer   5  x\n');
  });

  it('leaves out titles that are all empty', () => {
    expect(
      description([
        ['a', '1'],
        ['long', '2'],
      ]),
    ).toBe('  a     1\n  long  2\n');
  });

  it('shows its titles alone where there are no rows', () => {
    expect(table([{ title: 'a' }, { title: 'b' }], [])).toBe('a  b\n');
  });
});
