import { expect, test, vi } from 'vitest';
import type { LogFields, LogLevel } from '../runtime/logger.ts';
import { jsonLogger, type JsonLoggerOptions } from './logger.ts';

function written(event: string, fields?: LogFields, level: LogLevel = 'error', options: JsonLoggerOptions = {}): string[] {
  const lines: string[] = [];
  jsonLogger({ ...options, write: (line) => lines.push(line) }).log(level, event, fields);
  return lines;
}

test('an event is one line of JSON: time, level, event, fields', () => {
  const [line = ''] = written('tcp.frame.invalid', { bytes: 3, closed: true, reason: 'short', none: undefined });
  expect(line).toMatch(
    /^\{"time":"\d{4}-\d\d-\d\dT[\d:.]+Z","level":"error","event":"tcp.frame.invalid","bytes":3,"closed":true,"reason":"short"\}\n$/,
  );
});

test('nothing a peer sends starts a second line or reaches the terminal as a command', () => {
  const hostile = '\n\r\u001b[2J\u0000\u007f\u009b\u2028\u2029\u202e\u2066\ud800"\\';
  const [line = ''] = written('event', { reason: hostile, [hostile]: 'x' });
  expect(line.slice(0, -1)).toMatch(/^[ -~]*$/);
  expect(JSON.parse(line)).toMatchObject({ reason: hostile, [hostile]: 'x' });
});

test('long texts are cut at 256 characters', () => {
  const [line = ''] = written('e'.repeat(1_000), { reason: 'r'.repeat(257), whole: 'w'.repeat(256), ['n'.repeat(300)]: 1 });
  const parsed = JSON.parse(line) as Record<string, string>;
  expect(parsed['event']).toHaveLength(256);
  expect(parsed['reason']).toBe(`${'r'.repeat(255)}…`);
  expect(parsed['whole']).toBe('w'.repeat(256));
  expect(parsed[`${'n'.repeat(255)}…`]).toBe(1);
});

test('a field cannot pass for the level, the event or the time, nor touch a prototype', () => {
  const [line = ''] = written('real', JSON.parse('{"event":"forged","level":"debug","time":"never","__proto__":"p"}') as LogFields);
  expect(line).toContain('"level":"error","event":"real","event_":"forged","level_":"debug","time_":"never","__proto__":"p"');
});

test('events below the level are not written; warn is the default and silent writes none', () => {
  const levels: LogLevel[] = ['debug', 'info', 'warn', 'error'];
  const heard = (options: JsonLoggerOptions) => levels.filter((level) => written('event', {}, level, options).length === 1);
  expect(heard({})).toEqual(['warn', 'error']);
  expect(heard({ level: 'debug' })).toEqual(levels);
  expect(heard({ level: 'silent' })).toEqual([]);
});

test('a flood of one event is cut off, and told of by the next one; other events are still written', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    const lines: string[] = [];
    const logger = jsonLogger({ linesPerEvent: 3, write: (line) => lines.push(line) });
    for (let sent = 0; sent < 1_000; sent++) logger.log('warn', 'flood', { suppressed: 1 });
    logger.log('warn', 'other');
    expect(lines).toHaveLength(4);
    expect(lines[2]).toContain('"event":"flood","suppressed_":1}');
    vi.advanceTimersByTime(10_000);
    logger.log('warn', 'flood');
    logger.log('warn', 'flood');
    expect(lines.slice(4).map((line) => (JSON.parse(line) as Record<string, unknown>)['suppressed'])).toEqual([997, undefined]);
  } finally {
    vi.useRealTimers();
  }
});
