import type { StandardSchemaV1 } from '@standard-schema/spec';
import { CodecError } from '../errors.ts';
import type { Codec } from './codec.ts';
import { readMessagePack } from './msgpack-read.ts';
import { writeMessagePack } from './msgpack-write.ts';
import { pathText } from './path-text.ts';

/** A validation names so many faults, and quotes so much of each: a schema may repeat what a peer sent. */
const FAULTS_NAMED_MAX = 3;
const FAULT_CHARACTERS_MAX = 160;

/**
 * Structured messages as MessagePack: plain objects, arrays, text, bytes, numbers, booleans and null. With a schema of any
 * Standard Schema library (zod, valibot, arktype …) values are checked before they are sent and after they are received; the
 * receiver gets what the schema made of them. The schema must answer at once: a promise is refused.
 * @throws {CodecError} `CODEC_INVALID` naming the path of each fault, such as `items[2].price`; other codes for bytes that are
 * not one strict MessagePack value, see `readMessagePack`. Source: decisions.md A10
 */
export function msgpack(): Codec<unknown>;
export function msgpack<Schema extends StandardSchemaV1>(
  schema: Schema,
): Codec<StandardSchemaV1.InferOutput<Schema>, StandardSchemaV1.InferInput<Schema>>;
export function msgpack(schema?: StandardSchemaV1): Codec<unknown> {
  return {
    name: 'msgpack',
    encode: (value) => {
      if (schema !== undefined) validate(schema, value);
      return writeMessagePack(value);
    },
    decode: (payload) => {
      const value = readMessagePack(payload);
      return schema === undefined ? value : validate(schema, value);
    },
  };
}

function validate(schema: StandardSchemaV1, value: unknown): unknown {
  const result = answerOf(schema, value);
  if (result.issues === undefined) return result.value;
  const faults = result.issues.slice(0, FAULTS_NAMED_MAX).map(faultText);
  const unnamed = result.issues.length - faults.length;
  throw new CodecError('CODEC_INVALID', `${faults.join('; ')}${unnamed > 0 ? `; and ${unnamed} more` : ''}`);
}

function answerOf(schema: StandardSchemaV1, value: unknown): StandardSchemaV1.Result<unknown> {
  let answer: ReturnType<StandardSchemaV1['~standard']['validate']>;
  try {
    answer = schema['~standard'].validate(value);
  } catch (cause) {
    throw new CodecError('CODEC_INVALID', `The ${schema['~standard'].vendor} schema threw instead of answering.`, { cause });
  }
  if (!(answer instanceof Promise)) return answer;
  answer.catch(() => undefined); // Nobody waits for it, and a rejection that nobody hears would end the process.
  throw new CodecError(
    'CODEC_INVALID',
    `The ${schema['~standard'].vendor} schema answers with a promise; messages need one that answers at once. Take out what is async.`,
  );
}

function faultText(issue: StandardSchemaV1.Issue): string {
  const path = (issue.path ?? []).map((part) => (typeof part === 'object' ? part.key : part));
  return oneLine(path.length === 0 ? issue.message : `${pathText(path)}: ${issue.message}`);
}

function oneLine(shown: string): string {
  const flat = shown.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ');
  return flat.length > FAULT_CHARACTERS_MAX ? `${flat.slice(0, FAULT_CHARACTERS_MAX)}…` : flat;
}
