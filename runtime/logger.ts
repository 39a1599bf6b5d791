export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Values that may stand beside an event. Never a key, a payload or a token; bytes are given as a count. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * The only way to output. An event is a short stable name (`tcp.frame.invalid`); what varies stands in the fields, so that
 * one event stays one line whatever a peer sends.
 */
export interface Logger {
  log(level: LogLevel, event: string, fields?: LogFields): void;
}

export const silentLogger: Logger = { log: () => undefined };

/** The code of a typed error, else the name of whatever was thrown: enough for a log line, and nothing a peer chose. */
export function errorFields(thrown: unknown): LogFields {
  if (!(thrown instanceof Error)) return { thrown: typeof thrown };
  return 'code' in thrown ? { code: String(thrown.code), reason: thrown.message } : { thrown: thrown.name, reason: thrown.message };
}
