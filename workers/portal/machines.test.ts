import { describe, expect, test } from 'vitest';
import { type AnyStateMachine, createActor } from 'xstate';
import { getShortestPaths, getSimplePaths } from 'xstate/graph';
import { inletMachine } from './inlet.machine.ts';
import { outletMachine } from './outlet.machine.ts';
import type { StreamEffect, StreamEvent } from './stream-states.ts';
import { StreamSteps } from './stream-steps.ts';

const PLAIN = [
  'local.ended',
  'local.reset',
  'peer.ended',
  'peer.left',
  'peer.lost',
  'reset.received',
  'end.acknowledged',
  'all.written',
  'timer.expired',
  'access.denied',
  'stop.requested',
] as const;
const SHARED: StreamEvent[] = [...PLAIN.map((type) => ({ type })), { type: 'fault.found', reason: 'gap' }];

interface Subject {
  name: string;
  machine: AnyStateMachine & ConstructorParameters<typeof StreamSteps>[0];
  facts: StreamEvent[];
  states: number;
  untilOpen: StreamEvent[];
  openingOrders: string[];
}

const SUBJECTS: Subject[] = [
  {
    name: 'inlet',
    machine: inletMachine,
    facts: [...SHARED, { type: 'way.found' }, { type: 'pong.received' }],
    states: 15, // 3 before it is open, 2 ends, and 10 pairs of halves that can meet
    untilOpen: [{ type: 'way.found' }, { type: 'pong.received' }],
    openingOrders: ['findWay', 'startTimer', 'stopTimer', 'sendPing', 'startTimer', 'stopTimer', 'openStream'],
  },
  {
    name: 'outlet',
    machine: outletMachine,
    facts: [...SHARED, { type: 'dial.succeeded' }, { type: 'dial.failed', reason: 'target-refused' }],
    states: 13,
    untilOpen: [{ type: 'dial.succeeded' }],
    openingOrders: ['dial', 'sendPong', 'openStream'],
  },
];

function play(machine: AnyStateMachine, facts: readonly StreamEvent[]) {
  const effects: StreamEffect[] = [];
  const actor = createActor(machine);
  actor.on('*', (effect) => effects.push(effect as StreamEffect));
  actor.start();
  const say = (fact: StreamEvent) => {
    if (actor.getSnapshot().status === 'active') actor.send(fact);
  };
  facts.forEach(say);
  return { actor, effects, say, orders: effects.map(({ type }) => type as string) };
}

/** Facts of a path without the one that starts the machine. */
const factsOf = (path: { steps: readonly { event: { type: string } }[] }) =>
  path.steps.map(({ event }) => event as StreamEvent).filter(({ type }) => (type as string) !== 'xstate.init');

describe.each(SUBJECTS)('$name', ({ machine, facts, states, untilOpen, openingOrders }) => {
  const simplePaths = getSimplePaths(machine, { events: facts }).map(factsOf);
  const shortestPaths = getShortestPaths(machine, { events: facts }).map(factsOf);

  test('the graph is as large as it is drawn', () => {
    expect(shortestPaths).toHaveLength(states);
  });

  test('no effect after a final state, whatever is said to it', () => {
    const over = simplePaths.map((path) => play(machine, path)).filter(({ actor }) => actor.getSnapshot().status === 'done');
    expect(over.length).toBeGreaterThan(20);
    for (const { effects, say } of over) {
      const before = effects.length;
      [...facts, ...facts].forEach(say);
      expect(effects).toHaveLength(before);
    }
  });

  test('its steps, worked out once, are those of an actor on every path, and its states no more than those of the graph', () => {
    const steps = new StreamSteps(machine);
    const seen = new Set([steps.first.state]);
    for (const path of [...simplePaths, ...simplePaths.map((facts) => facts.toReversed())]) {
      let { state, effects } = steps.first;
      const all = [...effects];
      for (const fact of path) {
        ({ state, effects } = steps.after(state, fact));
        all.push(...effects);
        seen.add(state);
      }
      const played = play(machine, path);
      expect(all, JSON.stringify(path)).toEqual(played.effects);
      expect(state.isFinal).toBe(played.actor.getSnapshot().status === 'done');
    }
    expect(seen.size).toBe(states);
  });

  test('every path ends at most once: closed, or reset with a reason', () => {
    for (const path of simplePaths) {
      const { actor, effects } = play(machine, path);
      const endings = effects.filter(({ type }) => type === 'close' || type === 'abort');
      expect(endings, JSON.stringify(path)).toHaveLength(actor.getSnapshot().status === 'done' ? 1 : 0);
    }
  });

  test('a timer that was started is stopped before another starts and before the end', () => {
    for (const path of simplePaths) {
      const { actor, effects } = play(machine, path);
      let running = 0;
      for (const { type } of effects) {
        if (type === 'startTimer') expect(++running).toBe(1);
        if (type === 'stopTimer') expect(--running).toBe(0);
      }
      if (actor.getSnapshot().status === 'done') expect(running).toBe(0);
    }
  });

  test('the local socket is read and ended only in an open stream, each once', () => {
    for (const path of simplePaths) {
      const { orders } = play(machine, path);
      for (const once of ['openStream', 'sendEnd', 'endLocal', 'discardLocal']) {
        const count = orders.filter((order) => order === once).length;
        expect(count).toBeLessThanOrEqual(1);
        if (count > 0) expect(orders.slice(0, openingOrders.length)).toEqual(openingOrders);
      }
    }
  });

  test('closed needs both ends said, everything written and everything acknowledged', () => {
    const partly = [{ type: 'local.ended' }, { type: 'peer.ended' }, { type: 'end.acknowledged' }, { type: 'all.written' }] as const;
    const all = play(machine, [...untilOpen, ...partly]);
    expect(all.orders.at(-1)).toBe('close');
    for (const missing of partly) {
      const { actor } = play(machine, [...untilOpen, ...partly.filter((fact) => fact !== missing)]);
      expect(actor.getSnapshot().status).toBe('active');
    }
  });

  test('half a stream that is done is not hurt by what breaks the other half, and the broken half resets', () => {
    const bothDone = [...untilOpen, { type: 'local.ended' }, { type: 'end.acknowledged' }, { type: 'peer.ended' }] as const;
    expect(play(machine, [...bothDone, { type: 'peer.lost' }]).actor.getSnapshot().status).toBe('active');
    expect(play(machine, [...bothDone, { type: 'all.written' }]).orders.at(-1)).toBe('close');
    const cut = play(machine, [...untilOpen, { type: 'local.ended' }, { type: 'end.acknowledged' }, { type: 'peer.lost' }]);
    expect(cut.effects.at(-1)).toEqual({ type: 'abort', reason: 'silence' });
  });
});

test('a client that leaves before the Pong: the far end hears of it when it answers', () => {
  const { effects, say } = play(inletMachine, [{ type: 'way.found' }, { type: 'local.reset' }]);
  expect(effects.at(-1)).toEqual({ type: 'startTimer', timer: 'pong' });
  say({ type: 'pong.received' });
  expect(effects.at(-1)).toEqual({ type: 'abort', reason: 'local-reset' });
});

test('a refused target is passed on with its reason', () => {
  const { effects } = play(outletMachine, [{ type: 'dial.failed', reason: 'target-unknown' }]);
  expect(effects).toEqual([{ type: 'dial' }, { type: 'abort', reason: 'target-unknown' }]);
});

test('an original that leaves ends the stream once the local program does, or after a while', () => {
  const left = [{ type: 'dial.succeeded' }, { type: 'peer.left' }] as const;
  const { effects, say } = play(outletMachine, left);
  expect(effects.slice(-3)).toEqual([{ type: 'discardLocal' }, { type: 'endLocal' }, { type: 'startTimer', timer: 'linger' }]);
  say({ type: 'all.written' });
  say({ type: 'local.ended' });
  expect(effects.slice(-2)).toEqual([{ type: 'stopTimer' }, { type: 'close' }]);
  expect(play(outletMachine, [...left, { type: 'timer.expired' }]).effects.at(-1)).toEqual({ type: 'abort', reason: 'slow' });
});
