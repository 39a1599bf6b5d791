import { InvalidArgumentError } from '@commander-js/extra-typings';
import { usageError } from '../failure.ts';

export type Variable = readonly [name: string, value: string];

/** `KEY=VALUE`; only the first `=` separates. Source: command-line.md 2.2, 5.1 */
export function parseVariable(text: string): Variable {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError('Write KEY=VALUE; a KEY is letters, digits and "_", not beginning with a digit.');
  if (value === '') throw new InvalidArgumentError(`Empty value for variable '${name}'`);
  return [name, value];
}

/** @throws {CommandError} for one that is given twice */
export function variablesOf(given: readonly Variable[] = []): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  for (const [name, value] of given) {
    if (variables.has(name)) throw usageError(`Variable '${name}' is given twice.`);
    variables.set(name, value);
  }
  return variables;
}
