import { setup } from 'xstate';

export type SessionEvent = {
  type:
    | 'attempt.succeeded'
    | 'attempt.failed'
    /** What was made is gone, or does not answer any more. */
    | 'made.lost'
    /** What it is built on leads another way now, and what was made may be able to follow. */
    | 'way.changed'
    | 'need.began'
    | 'timer.expired'
    | 'stop.requested';
};
export type SessionEffect = {
  type:
    | 'startAttempt'
    | 'startReroute'
    | 'endAttempt'
    | 'startWatching'
    | 'stopWatching'
    | 'startTimer'
    | 'hurryTimer'
    | 'stopTimer'
    | 'closeMade'
    | 'release';
};

const typed = setup({ types: { events: {} as SessionEvent, emitted: {} as SessionEffect } });
const order = (type: SessionEffect['type']) => typed.emit({ type });
const again = (target: string) => ({ target, reenter: true }) as const;

/**
 * Life of one thing that is kept up. `startTimer` is asked how long to pause (nothing after a first loss); `endAttempt` calls
 * off what has not settled yet. While it reroutes, what was made is kept: a channel outlives its connection.
 * Source: decisions.md A4, A5; identity.md 6.7
 */
export const sessionMachine = typed.createMachine({
  id: 'session',
  initial: 'live',
  states: {
    live: {
      initial: 'connecting',
      on: { 'stop.requested': 'stopped' },
      states: {
        connecting: {
          entry: order('startAttempt'),
          exit: order('endAttempt'),
          on: { 'attempt.succeeded': 'up', 'attempt.failed': 'waiting', 'way.changed': again('connecting') },
        },
        up: {
          entry: order('startWatching'),
          exit: order('stopWatching'),
          on: { 'made.lost': 'waiting', 'way.changed': 'rerouting' },
        },
        rerouting: {
          entry: order('startReroute'),
          exit: order('endAttempt'),
          on: {
            'attempt.succeeded': 'up',
            'attempt.failed': 'waiting',
            'made.lost': 'waiting',
            'way.changed': again('rerouting'),
          },
        },
        waiting: {
          entry: [order('closeMade'), order('startTimer')],
          exit: order('stopTimer'),
          on: {
            'timer.expired': 'connecting',
            'need.began': { actions: order('hurryTimer') },
            'way.changed': { actions: order('hurryTimer') },
          },
        },
      },
    },
    stopped: { type: 'final', entry: [order('closeMade'), order('release')] },
  },
});
