import { describe, expect, test } from 'vitest';
import { smallNode } from '../property-tests/node-watch.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { tcp } from '../transports/tcp.ts';
import { echo } from '../workers/echo.ts';
import { hop } from '../workers/hop.ts';
import { allowEveryone } from './access-control.ts';
import { resolveRoute } from './resolve.ts';
import { route } from './route.ts';
import type { Transport } from './transport.ts';
import { fixedWay, via, type Way, whenThere } from './way.ts';

describe('the one transport hop of a route', () => {
  test('is connected to and replaced, wherever it stands', async () => {
    const clock = new SimulatedClock();
    const network = new SimulatedNetwork({ clock });
    const near = smallNode({ clock, network, name: 'near' }).node;
    const far = smallNode({ clock, network, name: 'far', seed: 2 }).node;
    near.start('hop', hop);
    far.start('echo', echo);
    far.publish('echo', { on: await clock.runUntil(far.listen(tcp(), 'far:4000')), allow: allowEveryone });
    const resolved = await clock.runUntil(resolveRoute(near, 'hop => 1#far:4000 => echo', { tcp: tcp() }));
    const [connection] = near.connections;
    near.publish('hop', { on: connection!, allow: allowEveryone });
    expect(resolved.toString()).toBe(route('hop', connection!, 'echo').toString());
    expect((await clock.runUntil(near.request(resolved, Uint8Array.of(5)))).payload).toEqual(Uint8Array.of(5));
    await clock.runUntil(Promise.all([near.stop(), far.stop()]));
    expect(clock.pendingCount).toBe(0);
  });

  test('a WebSocket hop goes to the WebSocket transport', async () => {
    const { node } = smallNode();
    const asked: string[] = [];
    const ws: Transport = {
      name: 'ws',
      connect: (_, target) => {
        asked.push(target);
        return Promise.resolve({ address: node.newAddress() } as never);
      },
      listen: () => Promise.reject(new Error('not here')),
    };
    const resolved = await resolveRoute(node, '3#far:80 => echo', { ws });
    expect([asked, resolved.length, resolved.next.isLocal]).toEqual([['far:80'], 2, true]);
  });

  test('a local route is what it was', async () => {
    const { node } = smallNode();
    const local = route('a', 'b');
    expect(await resolveRoute(node, local, {})).toBe(local);
    expect((await resolveRoute(node, '', {})).isEmpty).toBe(true);
  });

  test.each([
    ['two of them', '1#far:1 => 3#far:2'],
    ['two with workers between', '1#far:1 => hop => 1#far:1 => echo'],
    ['a kind without a transport', '3#far:1 => echo'],
    ['a kind that nobody can dial', '2#far:1'],
  ])('%s: refused before anything is dialled', async (_, written) => {
    const { node } = smallNode();
    const transport: Transport = { name: 'tcp', connect: () => expect.unreachable(), listen: () => expect.unreachable() };
    await expect(resolveRoute(node, written, { tcp: transport })).rejects.toMatchObject({ code: 'ROUTE_TRANSPORT' });
  });
});

/** A way that is told where it leads. */
function toldWay() {
  const listeners = new Set<() => void>();
  const way = {
    current: undefined as Way['current'],
    needs: 0,
    onNeed: (): void => undefined,
    onChange: (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    need: () => {
      way.needs += 1;
      way.onNeed();
      return () => void (way.needs -= 1);
    },
    lead(to: Way['current']) {
      way.current = to;
      for (const listener of listeners) listener();
    },
    get isQuiet() {
      return listeners.size === 0 && way.needs === 0;
    },
  };
  return way;
}

describe('a way', () => {
  test('through another keeps its route until that changes', () => {
    const first = toldWay();
    const behind = via(first, 'relay', 'api');
    expect(behind.current).toBeUndefined();
    first.lead(route('a'));
    const { current } = behind;
    expect([current?.toString(), behind.current === current]).toEqual(['0#a => 0#relay => 0#api', true]);
    first.lead(route('b'));
    expect(behind.current?.toString()).toBe('0#b => 0#relay => 0#api');
    first.lead(undefined);
    expect(behind.current).toBeUndefined();
    expect(via(route('x'), 'y').current?.toString()).toBe('0#x => 0#y');
  });

  test('is waited for, and afterwards neither needed nor listened to', async () => {
    const way = toldWay();
    const there = whenThere(way);
    expect(way.needs).toBe(1);
    way.lead(undefined);
    way.lead(route('a'));
    expect([(await there).toString(), way.isQuiet]).toEqual(['0#a', true]);
    expect((await whenThere(fixedWay(route('b')))).toString()).toBe('0#b');
  });

  test('may be there as soon as it is needed', async () => {
    const way = toldWay();
    way.onNeed = () => way.lead(route('a'));
    expect((await whenThere(way)).toString()).toBe('0#a');
    expect(way.isQuiet).toBe(true);
  });

  test('is not waited for any more once the signal says so', async () => {
    const way = toldWay();
    const controller = new AbortController();
    const there = whenThere(way, controller.signal);
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(there).rejects.toBe(reason);
    await expect(whenThere(way, controller.signal)).rejects.toBe(reason);
    expect(way.isQuiet).toBe(true);
  });
});
