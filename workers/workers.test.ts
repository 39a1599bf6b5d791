import { describe, expect, test } from 'vitest';
import { smallNode } from '../property-tests/node-watch.ts';
import { allowEveryone } from '../runtime/access-control.ts';
import { address } from '../runtime/address.ts';
import { text } from '../runtime/codec/codec.ts';
import type { Context } from '../runtime/context.ts';
import { Message } from '../runtime/message.ts';
import { route } from '../runtime/route.ts';
import { echo } from './echo.ts';
import { hop } from './hop.ts';
import { uppercase } from './uppercase.ts';

const later = () => new Promise<void>((resolve) => void setImmediate(resolve));
const fromHex = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));

// Source: routing.md 6.2
describe('echo', () => {
  test.each(['', '17', '1b0102030405060708', 'ff00'])('%s comes back as it is', async (hex) => {
    const { node } = smallNode();
    node.start('echo', echo);
    const { payload, returnRoute } = await node.request('echo', fromHex(hex));
    expect([payload, returnRoute.toString()]).toEqual([fromHex(hex), '0#echo']);
  });
});

describe('uppercase', () => {
  test.each([
    ['0568656c6c6f', '0548454c4c4f'],
    ['00', '00'],
    ['02c39f', '025353'],
    ['0568656c6c6fff', '0548454c4c4f'],
  ])('%s becomes %s', async (request, reply) => {
    const { node } = smallNode();
    node.start('uppercase', uppercase);
    expect((await node.request('uppercase', fromHex(request))).payload).toEqual(fromHex(reply));
  });

  test.each(['', '05', '0568656c6c', '01ff', 'ffffffffffffffffffffff'])('%s gets no answer', async (hex) => {
    const { node, clock } = smallNode();
    node.start('uppercase', uppercase, { onFailure: 'stop' });
    await node.send('uppercase', fromHex(hex));
    await later();
    expect([node.deadLetters.count('refused'), node.deadLetters.count()]).toEqual([1, 1]);
    expect(text.decode((await clock.runUntil(node.request('uppercase', text.encode('ok')))).payload)).toBe('OK');
  });
});

// Source: routing.md 6.3; decisions.md A6
describe('hop', () => {
  const flow = { id: 'F', spawnerId: 'L' };

  function arrange() {
    const { node, watch } = smallNode();
    const seen: [string, string][] = [];
    const note = (name: string) => ({
      onMessage: ({ returnRoute }: Message) => void seen.push([name, returnRoute.toString()]),
    });
    for (const name of ['private', 'mine', 'spawned', 'elsewhere']) node.start(name, note(name));
    node.start('sender', note('sender'), { terminal: {} });
    node.start('encryptor', note('encryptor'), { terminal: { peer: 'I' } });
    node.start('hop', hop);
    node.publish('mine', { on: { flow: { id: 'F' } }, allow: allowEveryone });
    node.publish('spawned', { on: { flow: { id: 'L' } }, allow: allowEveryone });
    node.publish('elsewhere', { on: { flow: { id: 'G' } }, allow: allowEveryone });
    let context!: Context;
    node.start('receiver', { onStart: (own) => void (context = own), onMessage: () => undefined });
    const arrive = async (...onward: string[]) => {
      context.inject(new Message(route(...onward), route('S'), new Uint8Array(0), [], 0, flow), context.ingress({}));
      await later();
    };
    return { node, watch, seen, arrive };
  }

  test.each(['mine', 'spawned', 'sender', 'encryptor'])('what came from outside goes on to %s, the hop on its way back', async (next) => {
    const { seen, arrive, node, watch } = arrange();
    await arrive('hop', next, 'and more');
    expect([seen, node.deadLetters.count(), watch.faults]).toEqual([[[next, '0#hop => 0#S']], 0, []]);
  });

  test.each(['private', 'elsewhere', 'receiver', 'nobody'])('but not to %s', async (next) => {
    const { seen, arrive, node, watch } = arrange();
    await arrive('hop', next);
    expect([seen, node.deadLetters.count('denied-flow'), watch.faults]).toEqual([[], 1, []]);
  });

  test('nor by way of itself', async () => {
    const { seen, arrive, node } = arrange();
    node.publish('hop', { on: { flow }, allow: allowEveryone });
    await arrive('hop', 'hop', 'private');
    expect([seen, node.deadLetters.count('denied-flow')]).toEqual([[], 1]);
  });

  test('what began here is free', async () => {
    const { seen, node } = arrange();
    await node.send(route('hop', 'private'), new Uint8Array(0));
    await later();
    expect(seen.map(([name]) => name)).toEqual(['private']);
  });

  test('what a worker of this node said of a message goes along', async () => {
    const { node } = smallNode();
    const info = [{ type: 'T', data: Uint8Array.of(1) }];
    let seen: Message | undefined;
    let context!: Context;
    node.start('hop', hop);
    node.start('end', { onMessage: (message) => void (seen = message) });
    node.start('source', { onStart: (own) => void (context = own), onMessage: () => undefined });
    context.forward(new Message(route('hop', 'end'), route('source'), Uint8Array.of(7), info));
    await later();
    expect([seen?.localInfo, seen?.payload, seen?.source]).toEqual([info, Uint8Array.of(7), address('hop')]);
  });
});
