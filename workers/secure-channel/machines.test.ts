import { describe, expect, test, vi } from 'vitest';
import { type AnyStateMachine, createActor } from 'xstate';
import { getShortestPaths, getSimplePaths } from 'xstate/graph';
import { initiatorMachine } from './initiator.machine.ts';
import { responderMachine } from './responder.machine.ts';

const SHARED = [
  'message.received',
  'peer.accepted',
  'peer.refused',
  'peer.lost',
  'close.received',
  'channel.failed',
  'timer.expired',
  'stop.requested',
];
const ENDS = ['abandonHandshake', 'closeChannel'];

interface Subject {
  name: string;
  machine: AnyStateMachine;
  facts: string[];
  states: number;
  paths: number;
  hello: string[];
  untilOpen: string[];
}

const SUBJECTS: Subject[] = [
  {
    name: 'initiator',
    machine: initiatorMachine,
    facts: [...SHARED, 'message2.accepted', 'message2.rejected'],
    states: 5,
    paths: 18, // 4 that live on, and the ends of each: 3 + 3 + 4 + 4
    hello: ['startTimer', 'sendMessage1'],
    untilOpen: ['startTimer', 'sendMessage1', 'acceptMessage2', 'verifyPeer', 'stopTimer', 'sendMessage3', 'openChannel'],
  },
  {
    name: 'responder',
    machine: responderMachine,
    facts: [...SHARED, 'message1.accepted', 'message1.rejected', 'message3.accepted', 'message3.rejected'],
    states: 7,
    paths: 27, // 6 that live on, and the ends of each: 3 + 4 + 3 + 3 + 4 + 4
    hello: ['startTimer'],
    untilOpen: ['startTimer', 'acceptMessage1', 'sendMessage2', 'acceptMessage3', 'verifyPeer', 'stopTimer', 'openChannel'],
  },
];

function play(machine: AnyStateMachine, facts: readonly string[]) {
  const effects: { type: string; reason?: string }[] = [];
  const actor = createActor(machine);
  actor.on('*', (effect) => effects.push(effect as { type: string }));
  actor.start();
  for (const type of facts) actor.send({ type });
  return { actor, effects, orders: effects.map(({ type }) => type) };
}

/** Facts of a path without the one that starts the machine. */
const factsOf = (path: { steps: readonly { event: { type: string } }[] }) =>
  path.steps.map(({ event }) => event.type).filter((type) => type !== 'xstate.init');

const events = (facts: readonly string[]) => facts.map((type) => ({ type }));

describe.each(SUBJECTS)('$name', ({ machine, facts, states, paths, hello, untilOpen }) => {
  const simplePaths = getSimplePaths(machine, { events: events(facts) }).map(factsOf);
  const shortestPaths = getShortestPaths(machine, { events: events(facts) }).map(factsOf);

  test('the graph is as large as it is drawn', () => {
    expect(shortestPaths).toHaveLength(states);
    expect(simplePaths).toHaveLength(paths);
  });

  test('no effect after the final state, whatever is said to it', () => {
    // XState warns of each event that comes after the end.
    using warnings = vi.spyOn(console, 'warn').mockReturnValue();
    const ended = simplePaths.map((path) => play(machine, path)).filter(({ actor }) => actor.getSnapshot().status === 'done');
    expect(ended.length).toBeGreaterThan(8);
    for (const { actor, effects } of ended) {
      const before = effects.length;
      for (const type of [...facts, ...facts]) actor.send({ type });
      expect(effects).toHaveLength(before);
    }
    expect(warnings).toHaveBeenCalledTimes(ended.length * facts.length * 2);
  });

  test('every path starts and stops the timer once, and ends once, with a reason', () => {
    for (const path of simplePaths) {
      const { actor, effects, orders } = play(machine, path);
      const count = (type: string) => orders.filter((order) => order === type).length;
      expect(orders.slice(0, hello.length)).toEqual(hello);
      expect(count('startTimer')).toBe(1);
      const snapshot = actor.getSnapshot();
      expect(count('stopTimer')).toBe(snapshot.matches('handshaking') ? 0 : 1);
      const ends = effects.filter(({ type }) => ENDS.includes(type));
      expect(ends).toHaveLength(snapshot.status === 'done' ? 1 : 0);
      if (ends.length > 0) expect(ends[0]?.type).toBe(orders.includes('openChannel') ? 'closeChannel' : 'abandonHandshake');
    }
  });

  test('a channel opens only after the peer was verified, once', () => {
    for (const path of simplePaths) {
      const { orders } = play(machine, path);
      if (orders.includes('openChannel')) expect(orders.slice(0, untilOpen.length)).toEqual(untilOpen);
      else expect(orders).not.toContain('sendClose');
    }
  });

  test('an event that a state does not name changes nothing', () => {
    for (const path of shortestPaths) {
      for (const type of facts) {
        const { actor, effects } = play(machine, path);
        const before = actor.getSnapshot();
        if (before.status === 'done') continue;
        const effectsBefore = effects.length;
        const named = before.can({ type });
        actor.send({ type });
        if (!named) {
          expect(actor.getSnapshot().value).toEqual(before.value);
          expect(effects).toHaveLength(effectsBefore);
        }
      }
    }
  });
});

describe('a forged message leaves us waiting for the genuine one', () => {
  test('initiator', () => {
    const forged = ['message.received', 'message2.rejected'];
    const { actor, effects } = play(initiatorMachine, [...forged, ...forged, 'message.received', 'message2.accepted', 'peer.accepted']);
    expect(actor.getSnapshot().value).toBe('open');
    expect(effects.filter(({ type }) => type === 'acceptMessage2')).toHaveLength(3);
  });

  test('responder, at message 3; at message 1 it ends', () => {
    const first = ['message.received', 'message1.accepted'];
    const forged = ['message.received', 'message3.rejected'];
    const { actor } = play(responderMachine, [...first, ...forged, ...forged, 'message.received', 'message3.accepted', 'peer.accepted']);
    expect(actor.getSnapshot().value).toBe('open');
    expect(play(responderMachine, ['message.received', 'message1.rejected']).effects.at(-1)).toEqual({
      type: 'abandonHandshake',
      reason: 'message1Rejected',
    });
  });
});

test('both ends free their state when the time is over or the peer is refused', () => {
  expect(play(initiatorMachine, ['timer.expired']).effects.slice(-2)).toEqual([
    { type: 'stopTimer' },
    { type: 'abandonHandshake', reason: 'timeout' },
  ]);
  const afterMessage1 = ['message.received', 'message1.accepted'];
  expect(play(responderMachine, [...afterMessage1, 'timer.expired']).effects.at(-1)).toEqual({
    type: 'abandonHandshake',
    reason: 'timeout',
  });
  const verdict = [...afterMessage1, 'message.received', 'message3.accepted', 'peer.refused'];
  expect(play(responderMachine, verdict).effects.at(-1)).toEqual({ type: 'abandonHandshake', reason: 'peerRefused' });
});

test('a lost peer is told before the channel is freed, a closed or failed channel says nothing', () => {
  for (const [machine, open] of [
    [initiatorMachine, ['message.received', 'message2.accepted', 'peer.accepted']],
    [responderMachine, ['message.received', 'message1.accepted', 'message.received', 'message3.accepted', 'peer.accepted']],
  ] as const) {
    const endOf = (fact: string) => play(machine, [...open, fact]).effects.slice(play(machine, open).effects.length);
    expect(endOf('peer.lost')).toEqual([{ type: 'sendClose' }, { type: 'closeChannel', reason: 'peerLost' }]);
    expect(endOf('stop.requested')).toEqual([{ type: 'sendClose' }, { type: 'closeChannel', reason: 'stopped' }]);
    expect(endOf('close.received')).toEqual([{ type: 'closeChannel', reason: 'peerClosed' }]);
    expect(endOf('channel.failed')).toEqual([{ type: 'closeChannel', reason: 'failed' }]);
  }
});
