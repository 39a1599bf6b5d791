import { CodecError } from '../runtime/errors.ts';
import { type BooleanPolicy, booleanToExpression } from './boolean.ts';
import { cborArray, cborBoolean, cborFloat, cborInteger, CborItems, cborMap, cborNull, cborText } from './cbor-items.ts';
import { boolean, checkExpression, checkParts, type Expression, float, integer, name, string } from './expression.ts';
import { EXPRESSION_DEPTH_MAX } from './limits.ts';
import { type Action, HANDLE_MESSAGE, RESOURCE_TYPES, type ResourceSelector, type ResourceType } from './resource.ts';

/** A policy as requests carry it. */
export type SentPolicy =
  | { readonly kind: 'full'; readonly expression: Expression }
  | { readonly kind: 'boolean'; readonly policy: BooleanPolicy };

/** A request to set a policy. */
export interface SetPolicy {
  readonly resource: ResourceSelector;
  readonly policy: SentPolicy;
}

/** A policy as answers carry it. */
export interface ToldPolicy {
  readonly resource: ResourceSelector;
  readonly action: Action;
  readonly expression: Expression;
}

const KINDS = { string: 1, integer: 2, float: 3, boolean: 4, name: 5, sequence: 6, list: 7 } as const;
const HANDLE_MESSAGE_NUMBER = 1;

/**
 * Every kind is a variant with one field; the fields of a list are one array. Source of all of these: routing.md 8.9
 * @throws {PolicyError} `POLICY_LIMIT`, `POLICY_VALUE`
 */
export function encodeExpression(expression: Expression): Uint8Array {
  checkParts(expression);
  return encodeParts(expression);
}

function encodeParts(expression: Expression): Uint8Array {
  return variant(KINDS[expression.kind], encodeContent(expression));
}

function encodeContent(expression: Expression): Uint8Array {
  switch (expression.kind) {
    case 'string':
      return cborText(expression.value);
    case 'integer':
      return cborInteger(expression.value);
    case 'float':
      return cborFloat(expression.value);
    case 'boolean':
      return cborBoolean(expression.value);
    case 'name':
      return cborText(expression.name);
    default:
      return cborArray(...expression.items.map(encodeParts));
  }
}

/** Any expression, be it a policy or not. @throws {CodecError} nesting deeper than 64 included */
export function decodeExpression(bytes: Uint8Array): Expression {
  return whole(bytes, readExpression);
}

function readExpression(items: CborItems, depth = 0): Expression {
  const index = fieldsOf(items, 1);
  switch (index) {
    case KINDS.string:
      return string(items.text());
    case KINDS.integer:
      return integer(items.integer());
    case KINDS.float:
      return float(items.float());
    case KINDS.boolean:
      return boolean(items.boolean());
    case KINDS.name:
      return name(items.text());
    case KINDS.sequence:
    case KINDS.list: {
      if (depth === EXPRESSION_DEPTH_MAX) throw tooDeep();
      const parts = Array.from({ length: items.array() }, () => readExpression(items, depth + 1));
      return { kind: index === KINDS.list ? 'list' : 'sequence', items: parts };
    }
    default:
      throw unknownVariant(index, 'an expression');
  }
}

export function encodeBoolean(policy: BooleanPolicy): Uint8Array {
  switch (policy.kind) {
    case 'name':
      return variant(0, cborText(policy.name));
    case 'or':
      return variant(1, encodeBoolean(policy.left), encodeBoolean(policy.right));
    case 'and':
      return variant(2, encodeBoolean(policy.left), encodeBoolean(policy.right));
    case 'not':
      return variant(3, encodeBoolean(policy.of));
    case 'empty':
      return variant(4);
  }
}

/** @throws {CodecError} nesting deeper than 64 included */
export function decodeBoolean(bytes: Uint8Array): BooleanPolicy {
  return whole(bytes, readBoolean);
}

const BOOLEAN_FIELDS = [1, 2, 2, 1, 0] as const;

function readBoolean(items: CborItems, depth = 0): BooleanPolicy {
  if (depth > EXPRESSION_DEPTH_MAX) throw tooDeep();
  const { index, fieldCount } = items.variant();
  if (fieldCount !== BOOLEAN_FIELDS[index]) throw unknownVariant(index, 'a boolean policy');
  const operand = () => readBoolean(items, depth + 1);
  switch (index) {
    case 0:
      return { kind: 'name', name: items.text() };
    case 1:
      return { kind: 'or', left: operand(), right: operand() };
    case 2:
      return { kind: 'and', left: operand(), right: operand() };
    case 3:
      return { kind: 'not', of: operand() };
    default:
      return { kind: 'empty' };
  }
}

export function encodeSentPolicy(sent: SentPolicy): Uint8Array {
  return sent.kind === 'full' ? variant(0, encodeExpression(sent.expression)) : variant(1, encodeBoolean(sent.policy));
}

/** @throws {CodecError} */
export function decodeSentPolicy(bytes: Uint8Array): SentPolicy {
  return whole(bytes, readSentPolicy);
}

function readSentPolicy(items: CborItems): SentPolicy {
  const index = fieldsOf(items, 1);
  if (index > 1) throw unknownVariant(index, 'a policy');
  return index === 0 ? { kind: 'full', expression: readExpression(items) } : { kind: 'boolean', policy: readBoolean(items) };
}

/** The expression that was meant, checked. @throws {PolicyError} `POLICY_LIMIT`, `POLICY_VALUE` */
export function expressionOfSent(sent: SentPolicy): Expression {
  const expression = sent.kind === 'full' ? sent.expression : booleanToExpression(sent.policy);
  checkExpression(expression);
  return expression;
}

/** The field has the number 1, so a null stands before it. */
export function encodeSelector(selector: ResourceSelector): Uint8Array {
  if ('name' in selector) return variant(2, cborNull, cborText(selector.name));
  return variant(1, cborNull, typeNumber(selector.type));
}

/** @throws {CodecError} */
export function decodeSelector(bytes: Uint8Array): ResourceSelector {
  return whole(bytes, readSelector);
}

function readSelector(items: CborItems): ResourceSelector {
  const index = fieldsOf(items, 2);
  items.null();
  if (index === 1) return { type: readType(items) };
  if (index === 2) return { name: items.text() };
  throw unknownVariant(index, 'a selector of resources');
}

export function encodeSetPolicy({ resource, policy }: SetPolicy): Uint8Array {
  return cborMap([1, encodeSelector(resource)], [2, encodeSentPolicy(policy)]);
}

/** @throws {CodecError} */
export function decodeSetPolicy(bytes: Uint8Array): SetPolicy {
  return whole(bytes, (items) => {
    fields(items, 2);
    const resource = field(items, 1, readSelector);
    return { resource, policy: field(items, 2, readSentPolicy) };
  });
}

export function encodeToldPolicy({ resource, expression }: ToldPolicy): Uint8Array {
  return cborMap([1, encodeSelector(resource)], [2, actionNumber], [3, encodeExpression(expression)]);
}

/** @throws {CodecError} */
export function decodeToldPolicy(bytes: Uint8Array): ToldPolicy {
  return whole(bytes, (items) => {
    fields(items, 3);
    return { resource: field(items, 1, readSelector), ...readRule(items) };
  });
}

/** Policies of resources first, then those of types, each in the order given. */
export function encodePolicyList(policies: readonly ToldPolicy[]): Uint8Array {
  const named = policies.flatMap(({ resource, expression }) => ('name' in resource ? [entry(cborText(resource.name), expression)] : []));
  const typed = policies.flatMap(({ resource, expression }) => ('type' in resource ? [entry(typeNumber(resource.type), expression)] : []));
  return cborMap([1, cborArray(...named)], [2, cborArray(...typed)]);
}

/** @throws {CodecError} */
export function decodePolicyList(bytes: Uint8Array): ToldPolicy[] {
  return whole(bytes, (items) => {
    fields(items, 2);
    const named = field(items, 1, () => readEntries(items, () => ({ name: items.text() })));
    return [...named, ...field(items, 2, () => readEntries(items, () => ({ type: readType(items) })))];
  });
}

function entry(key: Uint8Array, expression: Expression): Uint8Array {
  return cborMap([1, key], [2, actionNumber], [3, encodeExpression(expression)]);
}

function readEntries(items: CborItems, readSelected: () => ResourceSelector): ToldPolicy[] {
  return Array.from({ length: items.array() }, () => {
    fields(items, 3);
    return { resource: field(items, 1, readSelected), ...readRule(items) };
  });
}

function readRule(items: CborItems): Pick<ToldPolicy, 'action' | 'expression'> {
  const action = field(items, 2, () => items.small());
  if (action !== HANDLE_MESSAGE_NUMBER) throw unknownVariant(action, 'an action');
  return { action: HANDLE_MESSAGE, expression: field(items, 3, () => readExpression(items)) };
}

const actionNumber = cborInteger(BigInt(HANDLE_MESSAGE_NUMBER));
const typeNumber = (type: ResourceType) => cborInteger(BigInt(RESOURCE_TYPES.indexOf(type) + 1));

function readType(items: CborItems): ResourceType {
  const number = items.small();
  const type = RESOURCE_TYPES[number - 1];
  if (type === undefined) throw unknownVariant(number, 'a type of resource');
  return type;
}

function variant(index: number, ...content: readonly Uint8Array[]): Uint8Array {
  return cborArray(cborInteger(BigInt(index)), cborArray(...content));
}

/** The number of a variant that has so many fields. */
function fieldsOf(items: CborItems, count: number): number {
  const { index, fieldCount } = items.variant();
  if (fieldCount !== count) throw new CodecError('CODEC_TYPE', `This variant has ${count} fields, not ${fieldCount}.`);
  return index;
}

function fields(items: CborItems, count: number): void {
  const found = items.map();
  if (found !== count) throw new CodecError('CODEC_TYPE', `This map has ${count} fields, not ${found}.`);
}

function field<T>(items: CborItems, key: number, read: (items: CborItems) => T): T {
  const found = items.small();
  if (found !== key) throw new CodecError('CODEC_TYPE', `The field ${key} of a map is missing or out of its order.`);
  return read(items);
}

function whole<T>(bytes: Uint8Array, read: (items: CborItems) => T): T {
  const items = new CborItems(bytes);
  const value = read(items);
  items.end();
  return value;
}

const unknownVariant = (index: number, of: string) => new CodecError('CODEC_TYPE', `There is no variant ${index} of ${of}.`);
const tooDeep = () => new CodecError('CODEC_LIMIT', `A policy is nested at most ${EXPRESSION_DEPTH_MAX} deep.`);
