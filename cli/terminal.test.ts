import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Progress } from './progress.ts';
import { highlighted, painted, palette, widthOf, wrapped } from './terminal.ts';

const colors = palette(true, {});
const none = palette(false, { COLORTERM: 'truecolor' });

test('lines are broken at blanks, below their words; a word stays whole', () => {
  expect(wrapped('  ✔ Node n1 was created and answers', 22)).toBe('  ✔ Node n1 was\n    created and\n    answers');
  expect(wrapped('    │ one two three', 14)).toBe('    │ one two\n    │ three');
  expect(wrapped(`    ${'a'.repeat(30)} b`, 20)).toBe(`    ${'a'.repeat(30)}\n    b`);
  expect(wrapped('short', 80)).toBe('short');
});

test('only a terminal has a width', () => {
  expect(widthOf({ write: () => true })).toBe(Number.POSITIVE_INFINITY);
  expect(widthOf({ isTTY: true, write: () => true })).toBe(80);
  expect(widthOf({ isTTY: true, columns: 40, write: () => true })).toBe(40);
});

test('signs, names, addresses and how things stand have colours; the text stays', () => {
  const text = '  ✔ Node n1 is UP at /node/n1, not at 127.0.0.1:80, which is DOWN';
  const shown = painted(text, colors);
  for (const part of [
    colors.good('✔ '),
    colors.accent('n1'),
    colors.good('UP'),
    colors.accent('/node/n1'),
    colors.accent('127.0.0.1:80'),
    colors.bad('DOWN'),
  ])
    expect(shown).toContain(part);
  expect(painted(text, none)).toBe(text);
  expect(painted('List them: postern node list', colors)).not.toContain(colors.accent('list'));
});

test('JSON with colours is the same JSON', () => {
  const json = JSON.stringify({ name: 'a "b": 1', count: -1.5e3, none: null, yes: true }, undefined, 2);
  const shown = highlighted(json, colors);
  expect(shown).not.toBe(json);
  // eslint-disable-next-line no-control-regex -- what a terminal takes for colours
  expect(shown.replaceAll(/\u001b\[[\d;]*m/g, '')).toBe(json);
  expect(highlighted(json, none)).toBe(json);
});

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function progress(spins: boolean) {
  const written: string[] = [];
  const stderr = { isTTY: spins, columns: 20, write: (text: string) => written.push(text) };
  return { written, shown: new Progress({ stderr, colors: none, spins }) };
}

test('what takes no longer than 0.3 s is not worth a word', () => {
  const { written, shown } = progress(true);
  shown.say('Asking');
  vi.advanceTimersByTime(299);
  shown.end();
  vi.advanceTimersByTime(10_000);
  expect(written).toEqual([]);
});

test('a spinner moves, says what is going on, stays in its line, and goes', () => {
  const { written, shown } = progress(true);
  shown.say('Asking');
  vi.advanceTimersByTime(300 + 2 * 80);
  expect(written).toHaveLength(3);
  expect(new Set(written).size).toBe(3);
  shown.say('Waiting for a node of a long name');
  expect(written.at(-1)?.replace('\r\u001b[2K', '').length).toBeLessThanOrEqual(20);
  expect(shown.end()).toBe('Waiting for a node of a long name');
  expect(written.at(-1)).toBe('\r\u001b[2K');
  vi.advanceTimersByTime(10_000);
  expect(written).toHaveLength(5);
});

test('where no person looks each message is one plain line', () => {
  const { written, shown } = progress(false);
  shown.say('Asking');
  vi.advanceTimersByTime(1_000);
  shown.say('Asking');
  shown.say('Waiting');
  expect(written).toEqual(['    Asking...\n', '    Waiting...\n']);
});
