import { CodecError } from '../errors.ts';
import { headEnd, readCborHead } from './cbor-head.ts';
import { checkUtf8 } from './utf8.ts';

/** Arrays and maps nested deeper than this are refused. Source: reliability.md 2.3. */
export const CBOR_DEPTH_MAX = 32;

/** How many items each open array and map still misses, the innermost last. One for all walks: a walk is never interrupted. */
const missing = new Float64Array(CBOR_DEPTH_MAX);
const NO_CONTAINER = -1;

/**
 * Walks one item without building it: no recursion, and nothing allocated on a claim. What passes is the strict profile:
 * definite lengths, shortest integers and lengths, UTF-8 without a byte order mark, `false`, `true`, `null` and finite floats of any width.
 * Equal map keys are not looked for.
 * @returns the position after the item
 * @throws {CodecError} for anything else, nesting deeper than 32 included
 */
export function skipCborItem(bytes: Uint8Array, position: number): number {
  let at = position;
  let depth = 0;
  for (;;) {
    const children = enterItem(bytes, at);
    at = entered;
    if (children !== NO_CONTAINER && depth === CBOR_DEPTH_MAX)
      throw new CodecError('CODEC_LIMIT', `CBOR is nested at most ${CBOR_DEPTH_MAX} deep.`);
    if (children > 0) {
      missing[depth++] = children;
      continue;
    }
    while (depth > 0) {
      const left = (missing[depth - 1] ?? 0) - 1;
      missing[depth - 1] = left;
      if (left > 0) break;
      depth -= 1;
    }
    if (depth === 0) return at;
  }
}

/** Where `enterItem` stopped: after a whole item, or after the head of an array or map. */
let entered = 0;

/** @returns how many items an array or map holds; `NO_CONTAINER` for anything else, which is then behind us */
function enterItem(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first === undefined) throw truncated();
  const major = first & 0xe0;
  switch (major) {
    case 0x00:
    case 0x20:
      if ((first & 0x1f) === 27) entered = skipLongInteger(bytes, at);
      else {
        readCborHead(bytes, at, major, 'This is an integer.');
        entered = headEnd;
      }
      return NO_CONTAINER;
    case 0x40:
    case 0x60: {
      const count = readCborHead(bytes, at, major, 'This is a string.');
      const start = headEnd;
      if (count > bytes.length - start) throw truncated();
      entered = start + count;
      if (major === 0x60) checkText(bytes, start, entered);
      return NO_CONTAINER;
    }
    case 0x80:
    case 0xa0: {
      const count = readCborHead(bytes, at, major, 'This is an array or a map.');
      entered = headEnd;
      return major === 0x80 ? count : count * 2;
    }
    case 0xc0:
      throw new CodecError('CODEC_TYPE', 'No CBOR tag means anything here.');
    default:
      entered = skipSimple(bytes, at, first);
      return NO_CONTAINER;
  }
}

// Decoders, cborg among them, drop a leading byte order mark: two texts would become one.
function checkText(bytes: Uint8Array, start: number, end: number): void {
  if (end - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf)
    throw new CodecError('CODEC_TEXT', 'Text does not begin with a byte order mark.');
  checkUtf8(bytes, start, end);
}

function skipLongInteger(bytes: Uint8Array, at: number): number {
  if (bytes.length - at < 9) throw truncated();
  if (bytes[at + 1] === 0 && bytes[at + 2] === 0 && bytes[at + 3] === 0 && bytes[at + 4] === 0)
    throw new CodecError('CODEC_MALFORMED', 'An integer is longer than it need be.');
  return at + 9;
}

function skipSimple(bytes: Uint8Array, at: number, first: number): number {
  switch (first) {
    case 0xf4:
    case 0xf5:
    case 0xf6:
      return at + 1;
    case 0xf9:
      return skipFloat(bytes, at, 2, 0x7c00);
    case 0xfa:
      return skipFloat(bytes, at, 4, 0x7f80);
    case 0xfb:
      return skipFloat(bytes, at, 8, 0x7ff0);
    default:
      throw new CodecError('CODEC_TYPE', 'Of the simple values only false, true and null mean something here.');
  }
}

// NaN and the infinities are the floats whose exponent bits are all ones; those bits lie in the first two bytes.
function skipFloat(bytes: Uint8Array, at: number, width: number, exponent: number): number {
  if (bytes.length - at <= width) throw truncated();
  const head = ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
  if ((head & exponent) === exponent) throw new CodecError('CODEC_TYPE', 'NaN and infinities are refused.');
  return at + 1 + width;
}

const truncated = () => new CodecError('CODEC_TRUNCATED', 'A CBOR item ends before its last byte.');
