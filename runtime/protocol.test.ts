import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { smallNode } from '../property-tests/node-watch.ts';
import { bytes, text } from './codec/codec.ts';
import { msgpack } from './codec/msgpack.ts';
import type { Context } from './context.ts';
import { CodecError } from './errors.ts';
import type { Node } from './node.ts';
import { type Destination, type Protocol, protocol } from './protocol.ts';
import { route } from './route.ts';

const order = z.object({ items: z.array(z.object({ name: z.string(), price: z.number() })), note: z.string().default('none') });
const shop = protocol({ request: msgpack(order), reply: text });
const later = () => new Promise<void>((resolve) => void setImmediate(resolve));

describe('typed', () => {
  test('the answer of a typed request is a value', async () => {
    const { node, watch } = smallNode();
    node.start(
      'shop',
      shop.worker(({ items, note }) => `${items.length} items, ${note}`),
    );
    const answer = await node.request(shop.at('shop'), { items: [{ name: 'tea', price: 2 }] });
    expect([answer, watch.faults]).toEqual(['1 items, none', []]);
  });

  test('a handler may be async, or have no answer', async () => {
    const { node, clock, watch } = smallNode();
    node.start(
      'shop',
      shop.worker(async ({ items }) => (items.length === 0 ? undefined : Promise.resolve('soon'))),
    );
    expect(await node.request(shop.at('shop'), { items: [{ name: 'tea', price: 2 }] })).toBe('soon');
    const silent = node.request(shop.at(route('shop')), { items: [] }, { timeoutMs: 5 });
    await expect(clock.runUntil(silent)).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' });
    expect(watch.faults).toEqual([]);
  });

  test('what is not of the protocol is refused with the path of the fault, and is no failure of the worker', async () => {
    const { node, watch } = smallNode();
    const refused: [string, unknown][] = [];
    node.deadLetters.subscribe(({ reason, cause }) => refused.push([reason, cause]));
    let asked = 0;
    node.start(
      'shop',
      shop.worker(() => void (asked += 1)),
      { onFailure: 'stop' },
    );
    await node.send(
      'shop',
      msgpack().encode({
        items: [
          { name: 'tea', price: 2 },
          { name: 'milk', price: 'much' },
        ],
      }),
    );
    await node.send('shop', Uint8Array.of(0xc1));
    await later();
    expect(refused.map(([reason]) => reason)).toEqual(['refused', 'refused']);
    expect(refused[0]?.[1]).toMatchObject({ code: 'CODEC_INVALID', message: expect.stringContaining('items[1].price') as string });
    expect([asked, node.addresses.length, watch.faults]).toEqual([0, 1, []]);
  });

  test('a wrong value is refused before it is sent, and a wrong answer when it comes', async () => {
    const { node, watch } = smallNode();
    node.start('shop', { onMessage: (message, context) => context.reply(message, Uint8Array.of(9)) });
    await expect(node.request(shop.at('shop'), { items: 5 } as never)).rejects.toThrow(CodecError);
    await expect(node.send(shop.at('shop'), { items: 5 } as never)).rejects.toThrow(CodecError);
    expect(watch.sent).toBe(0);
    await expect(node.request(shop.at('shop'), { items: [] })).rejects.toThrow(CodecError);
  });

  test('a value is encoded once', async () => {
    const { node } = smallNode();
    let encoded = 0;
    const counting = protocol({ request: { ...bytes, encode: (value: Uint8Array) => ((encoded += 1), value) }, reply: bytes });
    node.start('echo', { onMessage: (message, context) => context.reply(message, message.payload) });
    await node.request(counting.at('echo'), Uint8Array.of(1));
    expect(encoded).toBe(1);
  });
});

test('a wrong message is a compile error', () => {
  expectTypeOf(shop.at('shop')).toExtend<Destination<{ items: { name: string; price: number }[]; note?: string | undefined }, string>>();
  expectTypeOf(protocol({ request: text, reply: bytes })).toEqualTypeOf<Protocol<string, Uint8Array>>();

  // Never called: it is here for the compiler. An expected error that is none fails `npm run types`.
  const compiled = async (node: Node, context: Context): Promise<void> => {
    const to = shop.at('shop');
    expectTypeOf(await node.request(to, { items: [] })).toEqualTypeOf<string>();
    expectTypeOf(await context.request(to, { items: [] })).toEqualTypeOf<string>();
    // @ts-expect-error -- no order
    await node.request(to, { items: 'tea' });
    // @ts-expect-error -- bytes are no order
    await node.request(to, new Uint8Array(0));
    // @ts-expect-error -- no order
    await node.send(to, {});
    // @ts-expect-error -- text is no order
    context.send(to, 'tea');
    // @ts-expect-error -- no order
    await context.request(to, { items: [5] });
    const unknown: unknown = {};
    // @ts-expect-error -- anything is no order
    await node.send(to, unknown);
    using detached = node.detached();
    // @ts-expect-error -- no order
    await detached.send(to, 5);
    // @ts-expect-error -- a plain route takes bytes
    await node.send(route('shop'), { items: [] });
    // @ts-expect-error -- the answer is text
    shop.worker(() => 5);
    // @ts-expect-error -- a destination of another protocol
    const other: Destination<number, string> = to;
    other.encodeRequest(5);
  };
  expect(compiled).toBeTypeOf('function');
});
