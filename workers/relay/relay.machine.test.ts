import { describe, expect, test } from 'vitest';
import { createActor } from 'xstate';
import { getShortestPaths, getSimplePaths } from 'xstate/graph';
import { type RelayEffect, type RelayEvent, relayMachine } from './relay.machine.ts';

type Fact = RelayEvent['type'];
const FACTS: Fact[] = ['confirmation.received', 'confirmation.rejected', 'timer.expired', 'way.lost', 'stop.requested'];
const events = FACTS.map((type) => ({ type }));

function play(facts: readonly string[]) {
  const effects: RelayEffect[] = [];
  const actor = createActor(relayMachine);
  actor.on('*', (effect) => effects.push(effect));
  actor.start();
  for (const type of facts) actor.send({ type: type as Fact });
  return { actor, effects, count: (type: string) => effects.filter((effect) => effect.type === type).length };
}

const simplePaths = getSimplePaths(relayMachine, { events }).map(({ steps }) =>
  steps.map(({ event }) => event.type).filter((type: string) => type !== 'xstate.init'),
);

describe('every path of a registration', () => {
  test('the graph is as large as it is drawn', () => {
    expect(getShortestPaths(relayMachine, { events })).toHaveLength(3);
    expect(simplePaths).toHaveLength(8); // 2 that live on; 4 ends of waiting, 2 of being registered
  });

  test('registers once, on one timer, and ends once', () => {
    for (const path of simplePaths) {
      const { actor, effects, count } = play(path);
      const isOver = actor.getSnapshot().status === 'done';
      expect(effects.slice(0, 2).map(({ type }) => type)).toEqual(['startTimer', 'sendRegistration']);
      expect(count('startTimer') + count('sendRegistration')).toBe(2);
      expect(count('stopTimer')).toBe(path.length === 0 ? 0 : 1);
      expect(count('announce')).toBe(path[0] === 'confirmation.received' ? 1 : 0);
      expect(count('end')).toBe(isOver ? 1 : 0);
      if (isOver) expect(FACTS.filter((type) => actor.getSnapshot().can({ type }))).toEqual([]);
    }
  });

  test('a later answer or a late timer changes nothing', () => {
    const { actor, effects } = play(['confirmation.received', 'confirmation.received', 'confirmation.rejected', 'timer.expired']);
    expect(actor.getSnapshot().value).toEqual({ live: 'registered' });
    expect(effects.at(-1)).toEqual({ type: 'announce' });
  });

  test.each([
    ['confirmation.rejected', 'unconfirmed'],
    ['timer.expired', 'timeout'],
    ['way.lost', 'lost'],
    ['stop.requested', 'stopped'],
  ])('%s ends it: %s', (fact, reason) => {
    expect(play([fact]).effects.at(-1)).toEqual({ type: 'end', reason });
  });
});
