import { abortFor, abortForFault, ends, open, order, startTimer, typed } from './stream-states.ts';

/**
 * Life of one accepted connection at an inlet; its data never passes here. Nothing is read from the client before the Pong.
 * A client that leaves while the Pong is awaited is gone at once, but the far end can be told only when its Pong says where
 * it is: `forsaken` waits for that. Source: routing.md 4.3; reliability.md PO4, PO5
 */
export const inletMachine = typed.createMachine({
  id: 'stream',
  initial: 'live',
  states: {
    live: {
      initial: 'awaitWay',
      on: { 'stop.requested': abortFor('stopped'), 'access.denied': abortFor('denied') },
      states: {
        awaitWay: {
          entry: [order('findWay'), startTimer('link')],
          exit: order('stopTimer'),
          on: { 'way.found': 'awaitPong', 'timer.expired': abortFor('silence'), 'local.reset': abortFor('local-reset') },
        },
        awaitPong: {
          entry: [order('sendPing'), startTimer('pong')],
          exit: order('stopTimer'),
          on: {
            'pong.received': 'open',
            'local.reset': 'forsaken',
            'reset.received': abortFor('peer'),
            'peer.left': abortFor('peer'),
            'peer.lost': abortFor('silence'),
            'fault.found': abortForFault,
            'timer.expired': abortFor('silence'),
          },
        },
        forsaken: {
          entry: startTimer('pong'),
          exit: order('stopTimer'),
          on: {
            'pong.received': abortFor('local-reset'),
            'reset.received': abortFor('peer'),
            'peer.left': abortFor('peer'),
            'peer.lost': abortFor('silence'),
            'timer.expired': abortFor('silence'),
          },
        },
        open,
      },
    },
    ...ends,
  },
});
