import { describe, expect, test } from 'vitest';
import { smallNode } from '../property-tests/node-watch.ts';
import { type AccessControl, allOf, allowEveryone, allowNobody, anyOf, onlyFrom, onlyTo } from './access-control.ts';
import { address } from './address.ts';
import { Message } from './message.ts';
import { Published } from './published.ts';
import { route } from './route.ts';

const a = address('a');
const b = address('b');
const nothing = new Uint8Array(0);
const throws: AccessControl = {
  allows: () => {
    throw new Error('broken');
  },
};

function message(source: string, onward: string[], returnRoute: string[]): Message {
  const made = new Message(route(...onward), route(...returnRoute), nothing);
  made.source = address(source);
  return made;
}

// Source: routing.md 2.1
test('who sent it counts, not the way back', () => {
  expect(onlyFrom(a).allows(message('a', ['x'], ['b']))).toBe(true);
  expect(onlyFrom(a).allows(message('b', ['x'], ['a']))).toBe(false);
  expect(onlyFrom(a, b).allows(message('b', ['x'], []))).toBe(true);
  expect(onlyFrom().allows(message('b', ['x'], []))).toBe(false);
});

test('the first hop counts, not those after it', () => {
  expect(onlyTo(a).allows(message('x', ['a'], []))).toBe(true);
  expect(onlyTo(a).allows(message('x', ['a', 'b'], []))).toBe(true);
  expect(onlyTo(a).allows(message('x', ['b', 'a'], []))).toBe(false);
});

describe('composed', () => {
  const any = message('x', ['y'], []);

  test.each<[string, AccessControl, boolean | 'throws']>([
    ['all of none', allOf(), true],
    ['all of two that allow', allOf(allowEveryone, allowEveryone), true],
    ['all, one denies', allOf(allowEveryone, allowNobody), false],
    ['all, a denial before an error', allOf(allowNobody, throws), false],
    ['all, an error', allOf(allowEveryone, throws), 'throws'],
    ['any of none', anyOf(), false],
    ['any, one allows', anyOf(allowNobody, allowEveryone), true],
    ['any, none allows', anyOf(allowNobody, allowNobody), false],
    ['any, a pass before an error', anyOf(allowEveryone, throws), true],
    ['any, an error is no denial', anyOf(throws, allowEveryone), 'throws'],
  ])('%s', (_, control, expected) => {
    if (expected === 'throws') expect(() => control.allows(any)).toThrow('broken');
    else expect(control.allows(any)).toBe(expected);
  });
});

describe('on a node', () => {
  test.each([
    ['incoming', { incoming: allowNobody }, 'denied-incoming'],
    ['incoming that throws', { incoming: throws }, 'denied-incoming'],
  ] as const)('%s: the worker never sees it', async (_, control, reason) => {
    const { node, watch } = smallNode();
    const seen: Message[] = [];
    node.start('closed', { onMessage: (received) => void seen.push(received) }, control);
    await node.send('closed', nothing);
    await Promise.resolve();
    expect([seen.length, node.deadLetters.count(reason), watch.faults]).toEqual([0, 1, []]);
  });

  test.each([
    ['outgoing', { outgoing: onlyTo(a) }],
    ['outgoing that throws', { outgoing: throws }],
  ] as const)('%s: nothing but what is allowed leaves, by send, forward or request', async (_, control) => {
    const { node, clock, watch } = smallNode();
    const seen: Message[] = [];
    node.start('b', { onMessage: (received) => void seen.push(received) });
    node.start(
      'bound',
      {
        onMessage: async (received, context) => {
          context.send('b', nothing);
          context.forward(received.rerouted(route('b')));
          await context.request('b', nothing, { timeoutMs: 10 }).catch(() => undefined);
        },
      },
      control,
    );
    await node.send('bound', nothing);
    await clock.runUntilQuiet();
    expect([seen.length, node.deadLetters.count('denied-outgoing'), watch.faults]).toEqual([0, 3, []]);
  });

  test('each address of a worker has its own controls', async () => {
    const { node } = smallNode();
    const seen: string[] = [];
    node.start(
      'front',
      { onMessage: (received) => void seen.push(received.destination.name) },
      { also: [{ address: 'back', incoming: onlyFrom(a) }] },
    );
    node.start('a', { onMessage: (received, context) => context.forward(received.step(context.address)) });
    await node.send('front', nothing);
    await node.send('back', nothing);
    await node.send(route('a', 'back'), nothing);
    await Promise.resolve();
    expect(seen).toEqual(['front', 'back']);
  });
});

describe('published', () => {
  const way = (id: string, spawnerId?: string) => ({ flow: { id, spawnerId } });
  const by = (flow?: { id: string; spawnerId?: string | undefined }) => new Message(route('x'), route(), nothing, [], 0, flow);

  test('opening one way opens no other', () => {
    const published = new Published();
    published.set([way('L')], allowNobody);
    published.set([way('C')], allowEveryone);
    expect(published.allows(by({ id: 'accepted', spawnerId: 'L' }))).toBe(false);
    expect(published.allows(by({ id: 'channel', spawnerId: 'C' }))).toBe(true);
    expect(published.allows(by({ id: 'C' }))).toBe(true);
    expect([published.allows(by({ id: 'other' })), published.allows(by())]).toEqual([false, false]);
    expect(published.isEveryone).toBe(false);
  });

  test('the last word on a way counts', () => {
    const published = new Published();
    published.set([way('L')], allowNobody);
    published.set([way('L')], allowEveryone);
    expect([published.isEveryone, published.allows(by())]).toEqual([true, true]);
  });
});

describe('watching over what stays open', () => {
  /** A control that tells when it turns, as policies do. */
  function switched(isOn: boolean) {
    const listeners = new Set<() => void>();
    const control: AccessControl = {
      allows: () => isOn,
      watch: (_, onDenied) => {
        listeners.add(onDenied);
        return () => listeners.delete(onDenied);
      },
    };
    const turn = (on: boolean) => {
      isOn = on;
      if (!on) for (const listener of [...listeners]) if (listeners.delete(listener)) listener();
    };
    return { control, turn, listeners };
  }

  const opened = message('a', ['b'], ['a']);

  test('of several that all have to allow it, the first that does not any more ends it', () => {
    const [one, other] = [switched(true), switched(true)];
    let denied = 0;
    allOf(one.control, other.control).watch?.(opened, () => (denied += 1));
    other.turn(false);
    expect(denied).toBe(1);
  });

  test('of several of which one is enough, the last one ends it, also one that allowed it again meanwhile', () => {
    const [one, other] = [switched(true), switched(true)];
    let denied = 0;
    const end = anyOf(one.control, other.control).watch?.(opened, () => (denied += 1));
    one.turn(false);
    one.turn(true);
    other.turn(false);
    expect(denied).toBe(0);
    one.turn(false);
    expect(denied).toBe(1);
    end?.();
    expect([one.listeners.size, other.listeners.size]).toEqual([0, 0]);
  });

  test('what nobody allows is denied before it is watched, and once', () => {
    let denied = 0;
    anyOf(switched(false).control).watch?.(opened, () => (denied += 1));
    anyOf().watch?.(opened, () => (denied += 1));
    expect(denied).toBe(2);
  });
});
