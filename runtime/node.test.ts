import { describe, expect, test } from 'vitest';
import { smallNode } from '../property-tests/node-watch.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { tcp } from '../transports/tcp.ts';
import { echo } from '../workers/echo.ts';
import { allowEveryone, allowNobody, onlyTo } from './access-control.ts';
import { address } from './address.ts';
import type { Context } from './context.ts';
import { STOP_DEADLINE_MS } from './node.ts';
import { route } from './route.ts';
import { TURN_DELIVERIES } from './router.ts';
import type { Worker } from './worker.ts';

const nothing = new Uint8Array(0);
const never = () => new Promise<void>(() => undefined);
const later = () => new Promise<void>((resolve) => void setImmediate(resolve));

describe('request', () => {
  test('the answer comes, and nothing of the asking is left', async () => {
    const { node, clock, watch } = smallNode();
    node.start('echo', echo);
    const { payload, returnRoute } = await node.request('echo', Uint8Array.of(1, 2));
    expect([payload, returnRoute.toString()]).toEqual([Uint8Array.of(1, 2), '0#echo']);
    expect([node.addresses.map(String), clock.pendingCount, watch.faults]).toEqual([['0#echo'], 0, []]);
  });

  test('each other end has its code, and leaves nothing either', async () => {
    const { node, clock, watch } = smallNode();
    node.start('silent', { onMessage: () => undefined });
    const timedOut = node.request('silent', nothing, { timeoutMs: 5 });
    await expect(clock.runUntil(timedOut)).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' });
    expect(clock.monotonicMs()).toBe(5);
    const controller = new AbortController();
    const aborted = node.request('silent', nothing, { signal: controller.signal });
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'REQUEST_ABORTED' });
    await expect(node.request('silent', nothing, { signal: controller.signal })).rejects.toMatchObject({ code: 'REQUEST_ABORTED' });
    await expect(node.request(route(), nothing)).rejects.toMatchObject({ code: 'ROUTE_EMPTY' });
    expect([node.addresses.map(String), clock.pendingCount, watch.faults, node.flows.isEmpty]).toEqual([['0#silent'], 0, [], true]);
    const cut = node.request('silent', nothing);
    const outcome = expect(cut).rejects.toMatchObject({ code: 'NODE_STOPPED' });
    await clock.runUntil(node.stop());
    await outcome;
    await expect(node.request('silent', nothing)).rejects.toMatchObject({ code: 'NODE_STOPPED' });
    expect([node.addresses, clock.pendingCount]).toEqual([[], 0]);
  });

  test('its AbortSignal has no listener left, whatever the end', async () => {
    const { node, clock } = smallNode();
    const { signal } = new AbortController();
    let listeners = 0;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...of: Parameters<typeof add>) => {
      listeners += 1;
      add(...of);
    };
    signal.removeEventListener = (...of: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...of);
    };
    node.start('echo', echo);
    node.start('silent', { onMessage: () => undefined });
    await clock.runUntil(Promise.all([node.request('echo', nothing, { signal }), node.request('echo', nothing, { signal })]));
    await clock.runUntil(node.request('silent', nothing, { signal, timeoutMs: 1 }).catch(() => undefined));
    expect(listeners).toBe(0);
  });

  test('the default is 30 s', async () => {
    const { node, clock } = smallNode();
    node.start('silent', { onMessage: () => undefined });
    await clock.runUntil(node.request('silent', nothing).catch(() => undefined));
    expect(clock.monotonicMs()).toBe(30_000);
  });

  test('of a worker: the payer of the message pays, and its own mailbox stays free', async () => {
    const { node, watch } = smallNode();
    node.start('echo', echo);
    node.start('asks', {
      onMessage: async (message, context) => {
        const answer = await context.request('echo', Uint8Array.of(9));
        context.reply(message, answer.payload);
      },
    });
    expect((await node.request('asks', nothing)).payload).toEqual(Uint8Array.of(9));
    expect(watch.faults).toEqual([]);
  });

  test('an answer passes the flow control of the connection it comes by, and only while it is waited for', async () => {
    const clock = new SimulatedClock();
    const network = new SimulatedNetwork({ clock });
    const near = smallNode({ clock, network, name: 'near' });
    const far = smallNode({ clock, network, name: 'far', seed: 2 });
    const listener = await clock.runUntil(far.node.listen(tcp(), 'far:4000'));
    let context!: Context;
    const asked: unknown[] = [];
    far.node.start('late', {
      onStart: (own) => void (context = own),
      onMessage: (message, own) => {
        asked.push(message.returnRoute);
        own.reply(message, nothing);
      },
    });
    far.node.publish('late', { on: listener, allow: allowEveryone });
    const connection = await clock.runUntil(near.node.connect(tcp(), 'far:4000'));
    await clock.runUntil(near.node.request(route(connection, 'late'), nothing));
    context.enter(() => context.send(asked[0] as never, nothing));
    await clock.run({ untilMs: clock.monotonicMs() + 100 });
    // Its mailbox is gone, so the router does not even ask the flow control.
    expect(near.node.deadLetters.count('unknown-address')).toBe(1);
    await clock.runUntil(Promise.all([near.node.stop(), far.node.stop()]));
    expect([near.watch.faults, far.watch.faults, near.node.flows.isEmpty, far.node.flows.isEmpty]).toEqual([[], [], true, true]);
  });
});

describe('detached', () => {
  test('messages wait in order; who waits first gets the first', async () => {
    const { node, watch } = smallNode();
    using mailbox = node.detached();
    const waiting = [mailbox.receive(), mailbox.receive()];
    for (const value of [1, 2, 3, 4]) await node.send(mailbox.address, Uint8Array.of(value));
    const received = await Promise.all([...waiting, mailbox.receive(), mailbox.receive()]);
    expect([received.map(({ payload }) => payload[0]), watch.faults]).toEqual([[1, 2, 3, 4], []]);
  });

  test('its controls hold, both ways', async () => {
    const { node } = smallNode();
    node.start('echo', echo);
    using closed = node.detached({ incoming: allowNobody });
    using bound = node.detached({ outgoing: onlyTo(address('elsewhere')) });
    const nobody = closed.receive();
    await node.send(closed.address, nothing);
    await bound.send('echo', nothing);
    expect([node.deadLetters.count('denied-incoming'), node.deadLetters.count('denied-outgoing')]).toEqual([1, 1]);
    closed.close();
    await expect(nobody).rejects.toMatchObject({ code: 'MAILBOX_CLOSED' });
  });

  test('closed: whoever waits is told, what waits is given up, and it can do nothing more', async () => {
    const { node, clock, watch } = smallNode();
    const mailbox = node.detached();
    await node.send(mailbox.address, nothing);
    mailbox.close();
    mailbox.close();
    await expect(mailbox.receive()).rejects.toMatchObject({ code: 'MAILBOX_CLOSED' });
    await expect(mailbox.send('echo', nothing)).rejects.toMatchObject({ code: 'MAILBOX_CLOSED' });
    expect([node.addresses, clock.pendingCount, node.deadLetters.count('stopped'), watch.faults]).toEqual([[], 0, 1, []]);
  });

  test('each pays for itself: one that floods holds up no other', async () => {
    const { node, clock } = smallNode({ limits: { ingress: { messages: 4, bytes: 1_000 } } });
    node.start('stuck', { onMessage: never });
    node.start('echo', echo);
    using flood = node.detached();
    using calm = node.detached();
    for (let index = 0; index < 100; index++) void flood.send('stuck', nothing);
    await calm.send('echo', nothing);
    await clock.runUntil(calm.receive());
    flood.close();
    calm.close();
    expect(clock.pendingCount).toBe(0);
  });
});

describe('watch', () => {
  test('tells once, everyone, at whichever address; not who has enough', async () => {
    const { node } = smallNode();
    const told: string[] = [];
    node.start('w', { onMessage: () => undefined }, { also: [{ address: 'alias' }] });
    node.watch('w', () => {
      throw new Error('broken');
    });
    node.watch('alias', ({ address: of }) => told.push(of.name));
    const end = node.watch('w', () => told.push('not this'));
    end();
    await node.stopWorker('alias');
    expect(told).toEqual(['w']);
  });

  test('a late farewell to one worker is none to its successor', async () => {
    const { node } = smallNode();
    const told: string[] = [];
    const worker: Worker = { onMessage: () => undefined };
    node.start('w', worker);
    const end = node.watch('w', () => told.push('first'));
    await node.stopWorker('w');
    node.start('w', worker);
    node.watch('w', () => told.push('second'));
    end();
    await node.stopWorker('w');
    expect(told).toEqual(['first', 'second']);
  });

  test('nobody there: at once', () => {
    const { node } = smallNode();
    const told: unknown[] = [];
    node.watch('nobody', (ended) => told.push(ended));
    expect(told).toEqual([{ address: address('nobody'), cause: undefined }]);
  });
});

test('publishing what is not there says so', () => {
  const { node } = smallNode();
  expect(() => node.publish('nobody', { on: [], allow: allowEveryone })).toThrow(expect.objectContaining({ code: 'ADDRESS_UNKNOWN' }));
});

describe('stop', () => {
  const noting = (seen: string[], name: string): Worker => ({
    onMessage: () => void seen.push(`${name} message`),
    onStop: () => void seen.push(`${name} stop`),
  });

  test('those of no cluster in reverse, then clusters in reverse of their first worker, each after what waited', async () => {
    const { node, clock, watch } = smallNode();
    const seen: string[] = [];
    node.start('t1', noting(seen, 't1'), { cluster: 'transports' });
    node.start('c1', noting(seen, 'c1'), { cluster: 'channels' });
    node.start('free1', noting(seen, 'free1'));
    await node.stopWorker('t1');
    node.start('t2', noting(seen, 't2'), { cluster: 'transports' });
    node.start('c2', noting(seen, 'c2'), { cluster: 'channels' });
    node.start('free2', noting(seen, 'free2'));
    for (const to of ['t2', 'c2', 'free1']) void node.send(to, nothing);
    await clock.runUntil(node.stop());
    const stops = seen.filter((each) => each.endsWith('stop'));
    expect(stops).toEqual(['t1 stop', 'free2 stop', 'free1 stop', 'c2 stop', 'c1 stop', 't2 stop']);
    expect(seen.filter((each) => each.endsWith('message')).toSorted()).toEqual(['c2 message', 'free1 message', 't2 message']);
    expect([node.addresses, clock.pendingCount, watch.faults]).toEqual([[], 0, []]);
  });

  test('a transport still carries the goodbye of a worker', async () => {
    const { node, clock } = smallNode();
    const seen: string[] = [];
    node.start('transport', noting(seen, 'transport'), { cluster: 'transports' });
    node.start('w', { onMessage: () => undefined, onStop: (context) => context.send('transport', nothing) });
    await clock.runUntil(node.stop());
    expect(seen).toEqual(['transport message', 'transport stop']);
  });

  test('at the deadline what has not ended is ended, and nothing stays behind', async () => {
    const { node, clock, watch } = smallNode();
    const seen: string[] = [];
    node.start('in handler', { onMessage: never, onStop: () => void seen.push('in handler stop') });
    node.start('in start', { onStart: never, onMessage: () => undefined, onStop: () => void seen.push('in start stop') });
    node.start('in stop', { onMessage: () => undefined, onStop: () => (seen.push('in stop stop'), never()) });
    for (const name of ['in handler', 'in start', 'in stop']) node.watch(name, () => seen.push(`${name} end`));
    node.start('later', noting(seen, 'later'), { cluster: 'transports' });
    node.start('later too', { onMessage: () => undefined, onStop: () => Promise.reject(new Error('no')) }, { cluster: 'transports' });
    void node.send('in handler', nothing);
    void node.send('in handler', nothing);
    void node.send('in start', nothing);
    const stopped = node.stop();
    expect(node.stop()).toBe(stopped);
    await clock.runUntil(stopped);
    expect(clock.monotonicMs()).toBe(STOP_DEADLINE_MS);
    const ends = ['in stop end', 'in start stop', 'in start end', 'in handler stop', 'in handler end'];
    expect(seen).toEqual(['in stop stop', 'later stop', ...ends]);
    expect([node.addresses, clock.pendingCount, watch.faults]).toEqual([[], 0, []]);
    await later();
  });

  test('not a socket either, when a worker uses up the time of the connections', async () => {
    const clock = new SimulatedClock();
    const network = new SimulatedNetwork({ clock });
    const near = smallNode({ clock, network, name: 'near' }).node;
    const silent = { buffer: () => new Uint8Array(64), onBytes: () => undefined, onEnd: () => undefined, onReset: () => undefined };
    await network.host('far').listen({ host: 'far', port: 4000 }, () => silent);
    await clock.runUntil(near.connect(tcp(), 'far:4000'));
    near.start('hangs', { onMessage: never });
    void near.send('hangs', nothing);
    await clock.runUntil(near.stop());
    await clock.runUntilQuiet();
    expect([near.addresses, near.connections.size, network.streamCount]).toEqual([[], 0, 0]);
  });

  test('nor what stood in line: it ends once', async () => {
    const { node, clock, watch } = smallNode({ limits: { ingress: { messages: 1e6, bytes: 1e9 } } });
    const ends: string[] = [];
    node.start('busy', { onMessage: () => undefined, onStop: () => void ends.push('stop') });
    node.watch('busy', () => ends.push('end'));
    for (let index = 0; index < 3 * TURN_DELIVERIES; index++) void node.send('busy', nothing);
    await clock.runUntil(node.stop({ deadlineMs: 0 }));
    await clock.runUntilQuiet();
    expect([ends, watch.faults]).toEqual([['stop', 'end'], []]);
    expect(node.deadLetters.count('stopped')).toBeGreaterThan(0);
  });

  test('a handler that goes on after the end changes nothing any more', async () => {
    const { node, clock, watch } = smallNode();
    let goOn: () => void = () => undefined;
    node.start('w', {
      onMessage: (_, context) =>
        new Promise<void>((resolve) => {
          goOn = () => {
            context.send('w', nothing);
            context.setTimer(10, () => undefined);
            context.ingress({ limits: { messages: 1, bytes: 1 } }).charge(1);
            resolve();
          };
        }),
    });
    await node.send('w', nothing);
    await clock.runUntil(node.stop({ deadlineMs: 10 }));
    goOn();
    await later();
    expect([clock.pendingCount, watch.faults]).toEqual([0, []]);
  });

  test('who asked is called when it begins; one that throws stops no stop', async () => {
    const { node, clock } = smallNode();
    const told: string[] = [];
    node.onStop(() => {
      throw new Error('broken');
    });
    node.onStop(() => told.push('stops'));
    node.onStop(() => told.push('called off'))();
    await clock.runUntil(node.stop());
    expect(told).toEqual(['stops']);
  });

  test('afterwards nothing begins', async () => {
    const { node } = smallNode();
    await node.stop();
    const stopped = expect.objectContaining({ code: 'NODE_STOPPED' }) as Error;
    expect(() => node.start('w', echo)).toThrow(stopped);
    expect(() => node.detached()).toThrow(stopped);
    expect(() => node.connect(tcp(), 'far:1')).toThrow(stopped);
    await expect(node.send('w', nothing)).rejects.toMatchObject({ code: 'NODE_STOPPED' });
  });
});
