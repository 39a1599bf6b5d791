import type { LogFields, Logger, LogLevel } from '../runtime/logger.ts';

/** A text a peer chose must not fill a disk: longer names and values are cut and end in `…`. */
const TEXT_CHARACTERS_MAX = 256;
/** What a peer can cause again and again must not fill a disk either. */
const LINES_PER_EVENT = 100;
const WINDOW_MS = 10_000;
const RANK = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 } as const;

/** What JSON leaves as it is and a terminal or a viewer would obey: DEL and C1 controls, line separators, direction marks. */
const OBEYED = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

export interface JsonLoggerOptions {
  /** Events below this level are not written; `silent` writes none. `warn` by default: a library says nothing while all is well. */
  readonly level?: LogLevel | 'silent';
  /** Of one event at most so many lines are written in 10 s; the next one after that says how many were `suppressed`. 100 by default. */
  readonly linesPerEvent?: number;
  /** Takes one line, its line feed included. Standard error by default. */
  readonly write?: (line: string) => void;
}

/**
 * Writes each event as one line of JSON: `time`, `level`, `event`, then the fields. Nothing in a field can start a second line,
 * move a cursor, or pass for one of the first three or for `suppressed`: a field of such a name gets a trailing `_`.
 */
export function jsonLogger({
  level: least = 'warn',
  linesPerEvent = LINES_PER_EVENT,
  write = toStandardError,
}: JsonLoggerOptions = {}): Logger {
  const recent = new Map<string, { sinceMs: number; lines: number }>();
  return {
    log(level, event, fields) {
      if (RANK[level] < RANK[least]) return;
      const nowMs = performance.now();
      let window = recent.get(event);
      let suppressed = 0;
      if (window === undefined || nowMs - window.sinceMs >= WINDOW_MS) {
        suppressed = Math.max(0, (window?.lines ?? 0) - linesPerEvent);
        recent.set(event, (window = { sinceMs: nowMs, lines: 0 }));
      }
      window.lines += 1;
      if (window.lines <= linesPerEvent) write(`${line(level, event, fields, suppressed)}\n`);
    },
  };
}

function line(level: LogLevel, event: string, fields: LogFields = {}, suppressed: number): string {
  const entries: [string, string | number | boolean | undefined][] = [
    ['time', new Date().toISOString()],
    ['level', level],
    ['event', cut(event)],
    ...(suppressed > 0 ? [['suppressed', suppressed] as [string, number]] : []),
  ];
  for (const [name, value] of Object.entries(fields)) {
    entries.push([isOurs(name) ? `${name}_` : cut(name), typeof value === 'string' ? cut(value) : value]);
  }
  // `fromEntries` defines properties: a field named __proto__ is a field.
  return JSON.stringify(Object.fromEntries(entries)).replace(OBEYED, escaped);
}

const isOurs = (name: string) => name === 'time' || name === 'level' || name === 'event' || name === 'suppressed';
const cut = (text: string) => (text.length <= TEXT_CHARACTERS_MAX ? text : `${text.slice(0, TEXT_CHARACTERS_MAX - 1)}…`);
const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

function toStandardError(text: string): void {
  process.stderr.write(text);
}
