import type { Logger } from 'postern';
import { valueOf, VARIABLES } from './environment.ts';
import { CommandError, EXIT } from './failure.ts';
import type { Invocation } from './invocation.ts';

type LogFields = NonNullable<Parameters<Logger['log']>[2]>;

const RANK: Readonly<Record<string, number>> = { trace: 0, debug: 0, info: 1, warn: 2, error: 3 };
const FORMATS = ['default', 'pretty', 'json'];
/** What a terminal or a viewer would obey. */
const OBEYED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

export interface LogLinesOptions {
  readonly level: string;
  readonly format: string;
  readonly write: (line: string) => void;
}

/** Writes each event as one line: time, level, event and what varies; as JSON where that is asked for. */
export function logLines({ level: least, format, write }: LogLinesOptions): Logger {
  return {
    log: (level, event, fields = {}) => {
      if ((RANK[level] ?? 0) < (RANK[least] ?? 0)) return;
      const time = new Date().toISOString();
      write(`${format === 'json' ? jsonLine(time, level, event, fields) : textLine(time, level, event, fields, format === 'pretty')}\n`);
    },
  };
}

const visible = (text: string) => text.replace(OBEYED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

function jsonLine(time: string, level: string, event: string, fields: LogFields): string {
  return visible(JSON.stringify({ ...fields, time, level, event }));
}

function textLine(time: string, level: string, event: string, fields: LogFields, isPretty: boolean): string {
  const varying = Object.entries(fields).filter(([, value]) => value !== undefined);
  const separator = isPretty ? '\n    ' : ' ';
  return [
    `${time} ${level.toUpperCase().padEnd(5)} ${event}`,
    ...varying.map(([name, value]) => visible(`${name}=${JSON.stringify(value)}`)),
  ].join(separator);
}

/** Every event goes to each of them. */
export const toAll = (loggers: readonly Logger[]): Logger => ({
  log: (level, event, fields) => {
    for (const logger of loggers) logger.log(level, event, fields);
  },
});

/** What the environment says of log lines. @throws {CommandError} for a value that is none. Source: command-line.md 1.3 */
export function logSettings(env: Invocation['env']): { readonly level: string; readonly format: string } {
  const level = (valueOf(VARIABLES.logLevel, env) ?? 'debug').toLowerCase();
  const format = (valueOf(VARIABLES.logFormat, env) ?? 'default').toLowerCase();
  if (RANK[level] === undefined) throw invalid(VARIABLES.logLevel.name, level, Object.keys(RANK));
  if (!FORMATS.includes(format)) throw invalid(VARIABLES.logFormat.name, format, FORMATS);
  return { level, format };
}

const invalid = (name: string, value: string, possible: readonly string[]) =>
  new CommandError(EXIT.usage, `${name} is ${JSON.stringify(value)}.`, { help: `Set it to one of ${possible.join(', ')}.` });
