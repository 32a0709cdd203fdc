import { describe, expect, it } from 'vitest';
import { progressLine } from '../../src/reports/progress.ts';

function terminal(isTTY: boolean) {
  const written: string[] = [];
  let time = 0;
  return {
    written,
    isTTY,
    columns: 20,
    write: (text: string) => written.push(text),
    now: () => time,
    wait: (millis: number) => {
      time += millis;
    },
  };
}

describe('progressLine', () => {
  it('shows nothing before two seconds, then rewrites one line, at most ten times a second', () => {
    const screen = terminal(true);
    const progress = progressLine(screen, { now: screen.now });
    progress.update('a');
    screen.wait(1999);
    progress.update('b');
    screen.wait(1);
    progress.update('c');
    screen.wait(99);
    progress.update('d');
    screen.wait(1);
    progress.update('e');
    expect(screen.written).toEqual(['\r\u001b[Kc', '\r\u001b[Ke']);
  });

  it('cuts a line to the width of the terminal', () => {
    const screen = terminal(true);
    progressLine(screen, { delayMillis: 0, now: screen.now }).update('x'.repeat(50));
    expect(screen.written).toEqual([`\r\u001b[K${'x'.repeat(19)}`]);
  });

  it('removes its line before a note and at the end, once', () => {
    const screen = terminal(true);
    const progress = progressLine(screen, { delayMillis: 0, now: screen.now });
    progress.clear();
    progress.update('a');
    progress.note('kept');
    progress.clear();
    expect(screen.written).toEqual(['\r\u001b[Ka', '\r\u001b[K', 'kept\n']);
  });

  it('writes notes only where nobody watches', () => {
    const screen = terminal(false);
    const progress = progressLine(screen, { delayMillis: 0, now: screen.now });
    progress.update('a');
    progress.note('kept');
    progress.clear();
    expect(screen.written).toEqual(['kept\n']);
  });
});
