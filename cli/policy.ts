import { parsePolicy, PolicyError, RESOURCE_TYPES } from 'postern';
import type { Cli } from './cli.ts';
import { CommandError, EXIT, usageError } from './failure.ts';

/**
 * The value of an option that is a policy, as it was given. Source: command-line.md 2.2, 5.13
 * @throws {CommandError} with the part that could be read
 */
export function parsePolicyText(expression: string): string {
  try {
    parsePolicy(expression);
  } catch (thrown) {
    if (thrown instanceof PolicyError) throw notPolicy(expression, thrown);
    throw thrown;
  }
  return expression;
}

/** Looks at an expression before a node is asked to keep it. @throws {CommandError} with the part that could be read */
export function checkedPolicy(cli: Cli, expression: string): string {
  parsePolicyText(expression);
  if (/^\s*(true|false)\s*$/.test(expression))
    cli.warn(`${expression.trim()} alone is the name of an attribute. To allow everyone, write '(= 1 1)'.`);
  return expression;
}

function notPolicy(expression: string, { fault, message, cause }: PolicyError): CommandError {
  const read =
    fault === undefined || fault.parsed === '' ? [] : [`successfully parsed: \`${fault.parsed}\`, but \`${fault.rest}\` cannot be parsed`];
  return new CommandError(EXIT.usage, [`invalid value '${expression}'`, ...read, message].join('\n'), {
    cause,
    help: `Write attribute names with and, or, not, as in 'web and not guest', or '(= subject.role "dba")'.`,
  });
}

/** `--allow`, or `--expression`. */
export function policyIn(
  cli: Cli,
  { allow, expression }: { readonly allow?: string | undefined; readonly expression?: string | undefined },
) {
  const given = allow ?? expression;
  return given === undefined ? undefined : checkedPolicy(cli, given);
}

/** As `policyIn`, where one is needed. */
export function neededPolicy(cli: Cli, given: { readonly allow?: string | undefined; readonly expression?: string | undefined }): string {
  const policy = policyIn(cli, given);
  if (policy === undefined) throw usageError('--allow EXPRESSION is required.');
  return policy;
}

export const isType = (name: string) => (RESOURCE_TYPES as readonly string[]).includes(name);
/** A type by its name, a resource by any other. */
export const selectorOf = (name: string) => (isType(name) ? { type: name } : { name });
