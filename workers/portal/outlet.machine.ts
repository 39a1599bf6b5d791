import { abortFor, abortForFault, ends, open, order, typed } from './stream-states.ts';

/**
 * Life of one stream at an outlet, from its Ping on; its data never passes here. The Pong is sent when the target has
 * answered, and only then is the target read, so nothing can overtake the Pong. Source: routing.md 4.3, 4.4
 */
export const outletMachine = typed.createMachine({
  id: 'stream',
  initial: 'live',
  states: {
    live: {
      initial: 'dialling',
      on: { 'stop.requested': abortFor('stopped'), 'access.denied': abortFor('denied') },
      states: {
        dialling: {
          entry: order('dial'),
          on: {
            'dial.succeeded': { target: 'open', actions: order('sendPong') },
            'dial.failed': abortForFault,
            'local.reset': abortFor('target-refused'), // between the answer and our turn
            'reset.received': abortFor('peer'),
            'peer.left': abortFor('peer'),
            'peer.lost': abortFor('silence'),
            'fault.found': abortForFault,
          },
        },
        open,
      },
    },
    ...ends,
  },
});
