import { setup } from 'xstate';
import type { ChannelEnd, HandshakeFailure } from './initiator.machine.ts';

export type ResponderEvent = {
  type:
    | 'message.received'
    | 'message1.accepted'
    | 'message1.rejected'
    | 'message3.accepted'
    | 'message3.rejected'
    | 'peer.accepted'
    | 'peer.refused'
    | 'peer.lost'
    | 'close.received'
    | 'channel.failed'
    | 'timer.expired'
    | 'stop.requested';
};
type Order = 'startTimer' | 'stopTimer' | 'acceptMessage1' | 'sendMessage2' | 'acceptMessage3' | 'verifyPeer' | 'openChannel' | 'sendClose';
export type ResponderEffect =
  | { type: Order }
  | { type: 'abandonHandshake'; reason: HandshakeFailure | 'message1Rejected' }
  | { type: 'closeChannel'; reason: ChannelEnd };

const typed = setup({ types: { events: {} as ResponderEvent, emitted: {} as ResponderEffect } });
const order = (type: Order) => typed.emit({ type });
const abandonFor = (reason: HandshakeFailure | 'message1Rejected') =>
  ({ target: '#responder.ended', actions: typed.emit({ type: 'abandonHandshake', reason }) }) as const;
const close = (reason: ChannelEnd) => typed.emit({ type: 'closeChannel', reason });

/**
 * Life of the responding end of one channel; bytes and frames never pass here. One timer (10 s) runs over the whole handshake,
 * so that first messages without a third leave nothing behind.
 *
 * `acceptMessage1` and `acceptMessage3` read what was just received and are answered by accepted or rejected. A responder exists
 * for one message 1, so it ends with a bad one; reading message 3 changes nothing unless the tags verify, so a forged one is
 * dropped and the genuine one is still awaited. `verifyPeer` is answered by `peer.accepted` or `peer.refused`; meanwhile the
 * worker's mailbox holds what comes. `channel.failed` is our own failure: no credential to present, a frame that could not be sealed.
 * Source: identity.md 5.6, 6.9; reliability.md CH16, CH29.
 */
export const responderMachine = typed.createMachine({
  id: 'responder',
  initial: 'handshaking',
  states: {
    handshaking: {
      initial: 'awaitMessage1',
      entry: order('startTimer'),
      exit: order('stopTimer'),
      on: {
        'timer.expired': abandonFor('timeout'),
        'channel.failed': abandonFor('failed'),
        'stop.requested': abandonFor('stopped'),
      },
      states: {
        awaitMessage1: {
          initial: 'idle',
          states: {
            idle: { on: { 'message.received': { target: 'reading', actions: order('acceptMessage1') } } },
            reading: {
              on: {
                'message1.accepted': { target: '#responder.handshaking.awaitMessage3', actions: order('sendMessage2') },
                'message1.rejected': abandonFor('message1Rejected'),
              },
            },
          },
        },
        awaitMessage3: {
          initial: 'idle',
          states: {
            idle: { on: { 'message.received': { target: 'reading', actions: order('acceptMessage3') } } },
            reading: { on: { 'message3.accepted': '#responder.handshaking.awaitVerdict', 'message3.rejected': 'idle' } },
          },
        },
        awaitVerdict: {
          entry: order('verifyPeer'),
          on: { 'peer.accepted': '#responder.open', 'peer.refused': abandonFor('peerRefused') },
        },
      },
    },
    open: {
      entry: order('openChannel'),
      on: {
        'close.received': { target: 'ended', actions: close('peerClosed') },
        'channel.failed': { target: 'ended', actions: close('failed') },
        'peer.lost': { target: 'ended', actions: [order('sendClose'), close('peerLost')] },
        'stop.requested': { target: 'ended', actions: [order('sendClose'), close('stopped')] },
      },
    },
    ended: { type: 'final' },
  },
});
