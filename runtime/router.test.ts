import { describe, expect, test } from 'vitest';
import { smallNode } from '../property-tests/node-watch.ts';
import type { Context } from './context.ts';
import type { DeadLetterReason } from './dead-letter.ts';
import { HARD_FACTOR, STALL_MS } from './ingress.ts';
import type { Message } from './message.ts';
import { ADDRESS_BYTES_MAX, parseRoute, ROUTE_ADDRESSES_MAX, Route, route } from './route.ts';
import { BATCH_MESSAGES, TURN_DELIVERIES, type TraceEvent } from './router.ts';

const nothing = new Uint8Array(0);
const later = () => new Promise<void>((resolve) => void setImmediate(resolve));
const forward = { onMessage: (message: Message, context: Context) => context.forward(message.step(context.address)) };

describe('dead letters', () => {
  test.each<[string, Route, DeadLetterReason]>([
    ['nobody there', route('nobody'), 'unknown-address'],
    ['an unresolved hop', parseRoute('1#127.0.0.1:4000 => echo'), 'no-transport'],
    ['nowhere', Route.empty, 'empty-route'],
    ['nothing after a hop', route('hop'), 'empty-route'],
    ['nobody after a hop', route('hop', 'nobody'), 'unknown-address'],
  ])('%s', async (_, to, reason) => {
    const { node, watch } = smallNode();
    node.start('hop', forward);
    await node.send(to, nothing);
    await later();
    expect([node.deadLetters.count(reason), node.deadLetters.count(), watch.faults]).toEqual([1, 1, []]);
  });

  test('subscribers are told, each once, until they have enough; one that throws disturbs nobody', async () => {
    const { node } = smallNode();
    const told: string[] = [];
    node.deadLetters.subscribe(() => {
      throw new Error('broken');
    });
    const listener = ({ reason }: { reason: string }) => told.push(reason);
    const end = node.deadLetters.subscribe(listener);
    node.deadLetters.subscribe(listener);
    await node.send('nobody', nothing);
    end();
    end();
    await node.send('nobody', nothing);
    expect(told).toEqual(Array(3).fill('unknown-address'));
  });
});

describe('hops', () => {
  test('a message is forwarded as often as the limit says', async () => {
    const { node } = smallNode({ limits: { hops: 3 } });
    node.start('hop', forward);
    node.start('end', { onMessage: (message, context) => context.reply(message, nothing) });
    await node.request(route('hop', 'hop', 'hop', 'end'), nothing);
    expect(node.deadLetters.count('hop-limit')).toBe(0);
    await node.send(route('hop', 'hop', 'hop', 'hop', 'end'), nothing);
    await later();
    expect(node.deadLetters.count('hop-limit')).toBe(1);
  });

  test.each<[string, (message: Message, context: Context) => void]>([
    ['as it is', (message, context) => context.forward(message)],
    ['on another way', (message, context) => context.forward(message.rerouted(message.onward))],
    ['round a ring', (message, context) => context.forward(message.step(context.address).rerouted(route('loop')))],
  ])('whoever sends to itself %s comes to an end', async (_, onMessage) => {
    const { node, watch } = smallNode();
    node.start('loop', { onMessage });
    await node.send('loop', nothing);
    await later();
    expect([node.deadLetters.count('hop-limit'), watch.faults]).toEqual([1, []]);
    expect(watch.handled).toBeLessThanOrEqual(node.limits.hops + 1);
  });
});

describe('turns', () => {
  test('a worker that always has messages leaves the others their turn, and the node its event loop', async () => {
    const { node, clock } = smallNode({ limits: { ingress: { messages: 1e6, bytes: 1e9 } } });
    let busy = 0;
    const seen: number[] = [];
    let context!: Context;
    node.start('busy', {
      onStart: (own) => void (context = own),
      onMessage: (_, own) => {
        busy += 1;
        own.send('busy', nothing);
      },
    });
    node.start('other', { onMessage: () => void seen.push(busy) });
    context.enter(() => {
      context.send('busy', nothing);
      context.send('other', nothing);
    });
    await later();
    expect([seen, busy]).toEqual([[BATCH_MESSAGES], TURN_DELIVERIES - 1]);
    clock.step();
    expect(busy).toBe(2 * TURN_DELIVERIES - 1);
  });

  test('when nothing is left to deliver, whoever asked is called once; who asks for ever keeps no turn', () => {
    const { node } = smallNode();
    const seen: string[] = [];
    let context!: Context;
    node.start('w', { onStart: (own) => void (context = own), onMessage: () => void seen.push('message') });
    let asked = 0;
    const ask = () => {
      asked += 1;
      context.whenQuiet(ask);
    };
    context.enter(() => {
      context.whenQuiet(() => seen.push('quiet'));
      context.send('w', nothing);
    });
    expect(seen).toEqual(['message', 'quiet']);
    context.enter(() => ask());
    expect(asked).toBeLessThanOrEqual(TURN_DELIVERIES + 2);
  });
});

describe('trace', () => {
  test('shows each hop to every subscriber, in order', async () => {
    const { node } = smallNode();
    const traces: string[][] = [[], []];
    const note = (to: string[]) => (event: TraceEvent) => to.push(`${event.kind} ${event.message.onward.toString()}`);
    const ends = traces.map((trace) => node.trace(note(trace)));
    node.start('hop', forward);
    node.start('sink', { onMessage: () => undefined });
    await node.send(route('hop', 'sink'), nothing);
    await later();
    ends[0]?.();
    await node.send(route('nobody'), nothing);
    const hops = ['sent 0#hop => 0#sink', 'sent 0#sink', 'handled 0#hop => 0#sink', 'handled 0#sink'];
    expect(traces).toEqual([hops, [...hops, 'dead 0#nobody']]);
  });
});

// Source: decisions.md A3
describe('pressure', () => {
  const limits = { ingress: { messages: 16, bytes: 1_000_000 } };

  test('who waits for each send is held up, and loses nothing', async () => {
    const { node, clock, watch } = smallNode({ limits });
    let seen = 0;
    node.start('slow', {
      onMessage: (_, context) =>
        new Promise((resolve) => {
          seen += 1;
          context.setTimer(10, resolve);
        }),
    });
    const all = (async () => {
      for (let index = 0; index < 200; index++) await node.send('slow', nothing);
    })();
    await clock.runUntil(all);
    await clock.runUntilQuiet();
    expect([seen, node.deadLetters.count(), watch.faults]).toEqual([200, 0, []]);
    expect(watch.peakMessages).toBe(16);
  });

  test('a route is paid for as a payload is, and all of it is given back', async () => {
    const { node, clock, watch } = smallNode({ limits: { ingress: { messages: 1_000, bytes: 64 * 1024 } } });
    node.start('slow', { onMessage: (_, context) => new Promise((resolve) => void context.setTimer(10, resolve)) });
    let peakBytes = 0;
    node.trace(({ kind, message }) => {
      if (kind === 'sent') peakBytes = Math.max(peakBytes, message.ingress.bytes);
    });
    const long = route('slow', ...Array.from({ length: ROUTE_ADDRESSES_MAX - 1 }, () => 'x'.repeat(ADDRESS_BYTES_MAX)));
    const all = (async () => {
      for (let index = 0; index < 100; index++) await node.send(long, nothing);
    })();
    await clock.runUntil(all);
    await clock.runUntilQuiet();
    expect(peakBytes).toBeGreaterThanOrEqual(64 * 1024);
    expect(peakBytes).toBeLessThan(64 * 1024 + 9_000);
    expect([watch.handled, watch.peakMessages < 10, node.deadLetters.count(), watch.faults]).toEqual([100, true, 0, []]);
  });

  test('who does not wait loses what exceeds the bound, and requests go on all the same', async () => {
    const { node, clock, watch } = smallNode({ limits });
    const stuck = new Promise<void>(() => undefined);
    node.start('stuck', { onMessage: () => stuck });
    node.start('echo', { onMessage: (message, context) => context.reply(message, message.payload) });
    for (let index = 0; index < 1_000; index++) void node.send('stuck', nothing);
    expect(node.deadLetters.count('overflow')).toBe(1_000 - 16 * HARD_FACTOR);
    expect((await clock.runUntil(node.request('echo', Uint8Array.of(1)))).payload).toEqual(Uint8Array.of(1));
    expect(watch.peakMessages).toBe(16 * HARD_FACTOR);
    await clock.runUntil(node.stop());
    expect([watch.faults, clock.pendingCount]).toEqual([[], 0]);
  });

  test('a caller that waits at a worker that never ends goes on after a second, and sheds', async () => {
    const { node, clock } = smallNode({ limits });
    node.start('stuck', { onMessage: () => new Promise<void>(() => undefined) });
    for (let index = 0; index < 15; index++) await node.send('stuck', nothing);
    const held = node.send('stuck', nothing);
    const startMs = clock.monotonicMs();
    await clock.runUntil(held);
    expect(clock.monotonicMs() - startMs).toBe(STALL_MS);
    await node.send('stuck', nothing);
    expect(node.deadLetters.count('overflow')).toBe(1);
  });

  test('urgent messages are not shed', async () => {
    const { node, clock } = smallNode({ limits });
    node.start('stuck', { onMessage: () => new Promise<void>(() => undefined) });
    node.start('urgent', { onMessage: () => undefined }, { urgent: true });
    node.start('plain', { onMessage: () => undefined });
    let context!: Context;
    node.start('source', { onStart: (own) => void (context = own), onMessage: () => undefined });
    const ingress = context.ingress({});
    for (let index = 0; index < 16; index++) context.send('stuck', nothing);
    const messages: Message[] = [];
    node.trace(({ kind, message }) => kind === 'dead' && messages.push(message));
    await clock.run({ untilMs: STALL_MS });
    for (const to of ['urgent', 'plain', 'urgent']) context.send(to, nothing);
    expect(messages.map((message) => message.onward.next.name)).toEqual(['plain']);
    expect(ingress.messages).toBe(0);
  });

  // Source: reliability.md RT13
  test('a ring of 100 workers that each forward two makes progress and counts what it drops', async () => {
    const { node, clock, watch } = smallNode();
    const ring = 100;
    for (let index = 0; index < ring; index++) {
      const next = route(`ring-${(index + 1) % ring}`);
      node.start(`ring-${index}`, {
        onMessage: (message, context) => {
          context.forward(message.rerouted(next));
          context.forward(message.rerouted(next));
        },
      });
    }
    await node.send('ring-0', nothing);
    const handled: number[] = [];
    while (clock.step()) {
      handled.push(watch.handled);
      await Promise.resolve();
    }
    await later();
    expect(watch.handled).toBeGreaterThan(1_024 * HARD_FACTOR);
    expect(watch.peakMessages).toBe(1_024 * HARD_FACTOR);
    expect(node.deadLetters.count('overflow')).toBeGreaterThan(0);
    expect(node.deadLetters.count('hop-limit')).toBeGreaterThan(0);
    expect([watch.faults, node.deadLetters.count()]).toEqual([
      [],
      node.deadLetters.count('overflow') + node.deadLetters.count('hop-limit'),
    ]);
  });
});
