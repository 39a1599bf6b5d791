import { setup } from 'xstate';

/** Why a relay was not registered, or is over. */
export type RelayEnd = 'unconfirmed' | 'timeout' | 'lost' | 'stopped';

export type RelayEvent = {
  type: /** The service's answer names our relay. */
    | 'confirmation.received'
    /** What came instead of it does not. */
    | 'confirmation.rejected'
    | 'timer.expired'
    /** The connection or channel that the registration went through has ended. */
    | 'way.lost'
    | 'stop.requested';
};
type Order = 'sendRegistration' | 'startTimer' | 'stopTimer' | 'announce';
export type RelayEffect = { type: Order } | { type: 'end'; reason: RelayEnd };

const typed = setup({ types: { events: {} as RelayEvent, emitted: {} as RelayEffect } });
const order = (type: Order) => typed.emit({ type });
const endFor = (reason: RelayEnd) => ({ target: '#relay.ended', actions: typed.emit({ type: 'end', reason }) }) as const;

/**
 * Life of one registration, at the client. There is no word for its end: a relay lasts as long as the way it was registered
 * through. What is relayed never passes here. Source: routing.md 5.2
 */
export const relayMachine = typed.createMachine({
  id: 'relay',
  initial: 'live',
  states: {
    live: {
      initial: 'awaitConfirmation',
      on: { 'way.lost': endFor('lost'), 'stop.requested': endFor('stopped') },
      states: {
        awaitConfirmation: {
          entry: [order('startTimer'), order('sendRegistration')],
          exit: order('stopTimer'),
          on: {
            'confirmation.received': 'registered',
            'confirmation.rejected': endFor('unconfirmed'),
            'timer.expired': endFor('timeout'),
          },
        },
        registered: { entry: order('announce') },
      },
    },
    ended: { type: 'final' },
  },
});
