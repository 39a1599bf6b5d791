import { describe, expect, test } from 'vitest';
import { createActor } from 'xstate';
import { getShortestPaths, getSimplePaths } from 'xstate/graph';
import { type SessionEvent, sessionMachine } from './session.machine.ts';

type Fact = SessionEvent['type'];
const FACTS: Fact[] = ['attempt.succeeded', 'attempt.failed', 'made.lost', 'way.changed', 'need.began', 'timer.expired', 'stop.requested'];
const events = FACTS.map((type) => ({ type }));

function play(facts: readonly string[]) {
  const orders: string[] = [];
  const actor = createActor(sessionMachine);
  actor.on('*', ({ type }) => orders.push(type));
  actor.start();
  for (const type of facts) actor.send({ type: type as Fact });
  return { actor, orders, count: (type: string) => orders.filter((order) => order === type).length };
}

const factsOf = (path: { steps: readonly { event: { type: string } }[] }) =>
  path.steps.map(({ event }) => event.type).filter((type) => type !== 'xstate.init');
const simplePaths = getSimplePaths(sessionMachine, { events }).map(factsOf);

describe('every path of a session', () => {
  test('the graph is as large as it is drawn', () => {
    expect(getShortestPaths(sessionMachine, { events })).toHaveLength(5);
    expect(simplePaths).toHaveLength(14); // 7 that live on, and the end of each
  });

  test('each attempt, watch and timer that starts is ended before the next, and none outlives the session', () => {
    for (const path of simplePaths) {
      const { orders, actor } = play(path);
      const running = { attempt: 0, watch: 0, timer: 0 };
      for (const order of orders) {
        if (order === 'startAttempt' || order === 'startReroute') running.attempt++;
        if (order === 'endAttempt') running.attempt--;
        if (order === 'startWatching') running.watch++;
        if (order === 'stopWatching') running.watch--;
        if (order === 'startTimer') running.timer++;
        if (order === 'stopTimer') running.timer--;
        expect(running.attempt + running.watch + running.timer).toBeLessThanOrEqual(1);
        expect(Math.min(...Object.values(running))).toBe(0);
      }
      const isOver = actor.getSnapshot().status === 'done';
      expect(running.attempt + running.watch + running.timer).toBe(isOver ? 0 : 1);
    }
  });

  test('a stopped session closes what it made, lets go once, and answers nothing any more', () => {
    const stopped = simplePaths.filter((path) => path.at(-1) === 'stop.requested');
    expect(stopped).toHaveLength(7);
    for (const path of stopped) {
      const { actor, orders, count } = play(path);
      expect(orders.slice(-2)).toEqual(['closeMade', 'release']);
      expect(count('release')).toBe(1);
      expect(FACTS.filter((type) => actor.getSnapshot().can({ type }))).toEqual([]);
    }
  });

  test('what was made is closed before it is made anew, and kept while it reroutes', () => {
    expect(play(['attempt.succeeded', 'made.lost']).orders.slice(-2)).toEqual(['closeMade', 'startTimer']);
    expect(play(['attempt.succeeded', 'way.changed', 'attempt.succeeded']).count('closeMade')).toBe(0);
    expect(play(['attempt.succeeded', 'way.changed', 'attempt.failed']).orders.slice(-2)).toEqual(['closeMade', 'startTimer']);
  });

  test('need shortens a pause and disturbs nothing else', () => {
    expect(play(['need.began']).orders).toEqual(['startAttempt']);
    expect(play(['attempt.succeeded', 'need.began']).orders.at(-1)).toBe('startWatching');
    expect(play(['attempt.failed', 'need.began']).orders.at(-1)).toBe('hurryTimer');
  });
});
