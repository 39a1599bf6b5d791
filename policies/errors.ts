import { PosternError } from '../runtime/errors.ts';

/** Where a text stops being a policy. */
export interface SyntaxFault {
  /** As it was given to the parser; undefined for a text that stands in no file. */
  readonly file: string | undefined;
  /** From 1. */
  readonly line: number;
  /** In characters, from 1. */
  readonly column: number;
  /** What could have stood there, as in `a name, "not" or "("`. */
  readonly expected: string;
  /** What stands there, as in `")"` or `the end of the text`. */
  readonly found: string;
  /** The part of the text that is a policy by itself; empty when none is. */
  readonly parsed: string;
  /** The text after `parsed`, untouched. */
  readonly rest: string;
}

/** A policy that cannot be read, written or named. Evaluation throws none: an error there denies. */
export class PolicyError extends PosternError<'POLICY_SYNTAX' | 'POLICY_LIMIT' | 'POLICY_VALUE' | 'POLICY_RESOURCE'> {
  /** Of `POLICY_SYNTAX`: where the reading that came furthest stopped. */
  readonly fault: SyntaxFault | undefined;

  constructor(code: PolicyError['code'], message: string, options: ErrorOptions & { readonly fault?: SyntaxFault } = {}) {
    super(code, message, options);
    this.fault = options.fault;
  }
}

/** `policies.txt:3:14: expected a value, but ")" stands there.` */
export function faultText({ file, line, column, expected, found }: SyntaxFault): string {
  return `${file === undefined ? '' : `${file}:`}${line}:${column}: expected ${expected}, but ${found} stands there.`;
}
