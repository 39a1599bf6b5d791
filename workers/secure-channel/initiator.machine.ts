import { setup } from 'xstate';

/** Why a handshake ended without a channel. After `timeout` another try may succeed: it takes a new handshake. */
export type HandshakeFailure = 'timeout' | 'peerRefused' | 'failed' | 'stopped';
/** Why an open channel ended. */
export type ChannelEnd = 'peerClosed' | 'peerLost' | 'failed' | 'stopped';

export type InitiatorEvent = {
  type:
    | 'message.received'
    | 'message2.accepted'
    | 'message2.rejected'
    | 'peer.accepted'
    | 'peer.refused'
    | 'peer.lost'
    | 'close.received'
    | 'channel.failed'
    | 'timer.expired'
    | 'stop.requested';
};
type Order = 'sendMessage1' | 'startTimer' | 'stopTimer' | 'acceptMessage2' | 'verifyPeer' | 'sendMessage3' | 'openChannel' | 'sendClose';
export type InitiatorEffect =
  | { type: Order }
  | { type: 'abandonHandshake'; reason: HandshakeFailure }
  | { type: 'closeChannel'; reason: ChannelEnd };

const typed = setup({ types: { events: {} as InitiatorEvent, emitted: {} as InitiatorEffect } });
const order = (type: Order) => typed.emit({ type });
const abandonFor = (reason: HandshakeFailure) =>
  ({ target: '#initiator.ended', actions: typed.emit({ type: 'abandonHandshake', reason }) }) as const;
const close = (reason: ChannelEnd) => typed.emit({ type: 'closeChannel', reason });

/**
 * Life of the initiating end of one channel; bytes and frames never pass here. One timer (10 s) runs over the whole handshake.
 *
 * `acceptMessage2` reads what was just received and is answered by `message2.accepted` or `message2.rejected`. Reading changes
 * nothing unless the tags verify, so a forged message 2 is dropped and the genuine one is still awaited. `verifyPeer` checks
 * identity and trust of the payload and is answered by `peer.accepted` or `peer.refused`; meanwhile the worker's mailbox holds
 * what comes. `channel.failed` is our own failure: no credential to present, a frame that could not be sealed.
 * Source: identity.md 5.6, 6.9; reliability.md CH16, CH29.
 */
export const initiatorMachine = typed.createMachine({
  id: 'initiator',
  initial: 'handshaking',
  states: {
    handshaking: {
      initial: 'awaitMessage2',
      entry: [order('startTimer'), order('sendMessage1')],
      exit: order('stopTimer'),
      on: {
        'timer.expired': abandonFor('timeout'),
        'channel.failed': abandonFor('failed'),
        'stop.requested': abandonFor('stopped'),
      },
      states: {
        awaitMessage2: {
          initial: 'idle',
          states: {
            idle: { on: { 'message.received': { target: 'reading', actions: order('acceptMessage2') } } },
            reading: { on: { 'message2.accepted': '#initiator.handshaking.awaitVerdict', 'message2.rejected': 'idle' } },
          },
        },
        awaitVerdict: {
          entry: order('verifyPeer'),
          on: { 'peer.accepted': '#initiator.open', 'peer.refused': abandonFor('peerRefused') },
        },
      },
    },
    open: {
      entry: [order('sendMessage3'), order('openChannel')],
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
