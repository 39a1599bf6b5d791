import { describe, expect, test } from 'vitest';
import { address } from './address.ts';
import { Route, parseRoute, route, routeEnd } from './route.ts';

const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const encode = (of: Route) => {
  const bytes = new Uint8Array(of.encodedBytes);
  of.write(bytes, 0);
  return toHex(bytes);
};

describe('the table of routing.md 1.3', () => {
  test.each([
    ['', '80'],
    ['0#echo', '818200446563686f'],
    ['1#127.0.0.1:4000 => 0#echo', '8282014e3132372e302e302e313a343030308200446563686f'],
  ])('[%s] is %s', (text, hex) => {
    expect(encode(parseRoute(text))).toBe(hex);
    const read = Route.read(fromHex(`${hex}00`), 0);
    expect(routeEnd).toBe(hex.length / 2);
    expect(read.toString()).toBe(text);
    expect(encode(read)).toBe(hex);
  });
});

describe('text', () => {
  test('parts are trimmed, and the empty text is the empty route', () => {
    expect(parseRoute(' hop=>1#x:1 =>  echo ').toString()).toBe('0#hop => 1#x:1 => 0#echo');
    expect(parseRoute('  ').isEmpty).toBe(true);
  });

  test.each(['a =>', '=> a', 'a => => b', '=>', 'a => b#c', 'a => 1#b#c'])('%j is refused', (text) => {
    expect(() => parseRoute(text)).toThrow(expect.objectContaining({ code: 'ROUTE_TEXT' }));
  });
});

describe('steps', () => {
  const three = () => Route.read(fromHex('83820041618200416282004163'), 0);

  test('next, rest and recipient', () => {
    expect(String(three().next)).toBe('0#a');
    expect(three().rest.toString()).toBe('0#b => 0#c');
    expect(String(three().recipient)).toBe('0#c');
    expect(three().withoutLast.toString()).toBe('0#a => 0#b');
    expect(three().rest.rest.rest.isEmpty).toBe(true);
  });

  test('a step changes nothing in the route it was taken from', () => {
    const whole = three();
    const stepped = whole.rest.prepend(address('x'));
    expect(stepped.toString()).toBe('0#x => 0#b => 0#c');
    expect(encode(stepped)).toBe('83820041788200416282004163');
    expect(whole.toString()).toBe('0#a => 0#b => 0#c');
    expect(whole.rest).toBe(whole.rest);
  });

  test('an empty route has no next, no rest and no recipient', () => {
    for (const ask of [(of: Route) => of.next, (of: Route) => of.rest, (of: Route) => of.recipient, (of: Route) => of.withoutLast])
      expect(() => ask(Route.empty)).toThrow(expect.objectContaining({ code: 'ROUTE_EMPTY' }));
  });

  test('routes join', () => {
    expect(route('a', three(), 'z').toString()).toBe('0#a => 0#a => 0#b => 0#c => 0#z');
    expect(three().concat(Route.empty).equals(three())).toBe(true);
  });

  test('an owned route outlives the frame it came in', () => {
    const bytes = fromHex('818200446563686f');
    const owned = Route.read(bytes, 0).owned();
    bytes.fill(0);
    expect(owned.toString()).toBe('0#echo');
  });
});

test.each([
  ['text for bytes', '818200646563686f', 'CODEC_TYPE'],
  ['an address of one', '818100', 'CODEC_TYPE'],
  ['type 256', '81821901004161', 'CODEC_LIMIT'],
  ['a type in long form', '818218014161', 'CODEC_MALFORMED'],
  ['a negative type', '8182204161', 'CODEC_TYPE'],
  ['an indefinite route', '9f82004161ff', 'CODEC_LIMIT'],
  ['a map', 'a0', 'CODEC_TYPE'],
  ['an address cut short', '8182004261', 'CODEC_TRUNCATED'],
  ['33 addresses', `9821${'82004161'.repeat(33)}`, 'CODEC_LIMIT'],
])('%s is refused', (_what, hex, code) => {
  expect(() => Route.read(fromHex(hex), 0)).toThrow(expect.objectContaining({ name: 'CodecError', code }));
});
