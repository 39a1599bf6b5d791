import type { LoggedDenial } from './decision-log.ts';
import type { UsedFact } from './explain.ts';
import type { Scalar } from './expression.ts';
import type { Rule } from './plan.ts';
import { readPolicy } from './policy.ts';
import { HANDLE_MESSAGE, parseResourceType } from './resource.ts';

/** How denials are written down, handed to whoever keeps them. */
export interface DenialForms {
  /** One line. */
  text(denial: LoggedDenial): string;
  /** @throws {Error} when the text is none of `text`: cut off, changed, or of another version */
  read(text: string): LoggedDenial;
}

/** JSON with all it takes to explain a denial later, when policies and attributes are others. Source: decisions.md D12 */
export const denialForms: DenialForms = { text, read };

function text({ attributes, rule, used, ...rest }: LoggedDenial): string {
  return JSON.stringify({
    ...rest,
    ...(attributes !== undefined && { attributes: [...attributes] }),
    ...(rule !== undefined && { rule: { selector: rule.selector, expression: rule.policy.text } }),
    used: used.map(({ name, value }) => (value === undefined ? [name] : [name, value.kind, scalarText(value)])),
  });
}

function read(line: string): LoggedDenial {
  const fields = new Fields(JSON.parse(line));
  const resource = fields.inner('resource');
  return {
    resource: { name: resource.text('name'), type: parseResourceType(resource.text('type')) },
    action: oneOf([HANDLE_MESSAGE], fields.text('action')),
    direction: oneOf(['in', 'out'], fields.text('direction')),
    identifier: fields.optional('identifier', (name) => fields.text(name)),
    authority: fields.flag('authority'),
    attributes: fields.optional('attributes', (name) => new Map(fields.texts(name).map(([key = '', value = '']) => [key, value]))),
    skipped: fields.list('skipped').map(textOf),
    rule: fields.optional('rule', (name) => readRule(fields.inner(name))),
    used: fields.texts('used').map(readFact),
    reason: fields.text('reason'),
    number: fields.count('number'),
    firstAt: fields.count('firstAt'),
    lastAt: fields.count('lastAt'),
    count: fields.count('count'),
  };
}

function readRule(fields: Fields): Rule {
  const selector = fields.inner('selector');
  return {
    selector: selector.has('name') ? { name: selector.text('name') } : { type: parseResourceType(selector.text('type')) },
    policy: readPolicy(fields.text('expression')),
  };
}

function readFact([name = '', kind, value = '']: readonly string[]): UsedFact {
  switch (kind) {
    case undefined:
      return { name, value: undefined };
    case 'string':
      return { name, value: { kind, value } };
    case 'integer':
      return { name, value: { kind, value: BigInt(value) } };
    case 'float':
      return { name, value: { kind, value: Number(value) } };
    case 'boolean':
      return { name, value: { kind, value: oneOf(['true', 'false'], value) === 'true' } };
    default:
      throw new TypeError('A value is of an unknown kind.');
  }
}

const scalarText = ({ value }: Scalar): string => (Object.is(value, -0) ? '-0' : String(value));

function oneOf<Text extends string>(texts: readonly Text[], found: string): Text {
  const known = texts.find((each) => each === found);
  if (known === undefined) throw new TypeError('A text is none of those that may stand there.');
  return known;
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('Something is no text.');
  return value;
}

/** The fields of a parsed object, each checked when it is asked for. */
class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('Something is no object.');
    this.#fields = value as Readonly<Record<string, unknown>>;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name);
  }

  optional<Value>(name: string, get: (name: string) => Value): Value | undefined {
    return this.has(name) ? get(name) : undefined;
  }

  text(name: string): string {
    return textOf(this.#fields[name]);
  }

  flag(name: string): boolean {
    const value = this.#fields[name];
    if (typeof value !== 'boolean') throw new TypeError(`${name} is no flag.`);
    return value;
  }

  count(name: string): number {
    const value = this.#fields[name];
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new TypeError(`${name} is no whole number.`);
    return value;
  }

  list(name: string): readonly unknown[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) throw new TypeError(`${name} is no list.`);
    return value;
  }

  /** A list of lists of texts. */
  texts(name: string): readonly (readonly string[])[] {
    return this.list(name).map((each) => {
      if (!Array.isArray(each)) throw new TypeError(`${name} holds no lists.`);
      return each.map(textOf);
    });
  }

  inner(name: string): Fields {
    return new Fields(this.#fields[name]);
  }
}
