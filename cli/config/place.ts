import { CommandError, EXIT, failureOf } from '../failure.ts';

/** A text that configures something. */
export interface Source {
  /** A path, a URL without secrets, or an option. */
  readonly name: string;
  readonly text: string;
}

/** Where something stands in a source; both numbers count from 1. */
export interface Place {
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

export const placeText = ({ source, line, column }: Place) => `${source}:${line}:${column}`;

/** @param offset in UTF-16 units */
export function placeAt({ name, text }: Source, offset: number): Place {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { source: name, line: before.split('\n').length, column: before.length - lineStart + 1 };
}

/** A configuration that cannot be read as one. */
export const malformed = (place: Place, message: string, help?: string) =>
  new CommandError(EXIT.data, `${placeText(place)}: ${message}`, { help });

/** A key or a value that is none of ours. */
export const misused = (place: Place, message: string, help?: string) =>
  new CommandError(EXIT.usage, `${placeText(place)}: ${message}`, { help });

/** The same failure, with the place that it is about. @param title as in `tcp-outlets db` */
export function located(thrown: unknown, place: Place, title: string, help?: string): CommandError {
  const { exitCode, code, message, cause, help: own } = failureOf(thrown);
  return new CommandError(exitCode, `${placeText(place)}: ${title}: ${message}`, { code, cause, help: own ?? help });
}
