import { setup } from 'xstate';
import type { ResetReason } from './portal-message.ts';

/** What happens to one end of a stream, whichever end it is. */
export type StreamEvent =
  | {
      type:
        | 'way.found'
        | 'dial.succeeded'
        | 'pong.received'
        /** The local client or target sent its last byte. */
        | 'local.ended'
        | 'local.reset'
        /** The peer sent its last byte, and all of them came. */
        | 'peer.ended'
        /** The peer has told in good order that it neither sends nor takes anything more. */
        | 'peer.left'
        /** Nobody can reach the peer any more. */
        | 'peer.lost'
        | 'reset.received'
        /** The peer has everything that we sent, and its end. */
        | 'end.acknowledged'
        /** Everything that the peer sent has left through the local socket. */
        | 'all.written'
        | 'timer.expired'
        /** Whoever is at the other end may not use the portal any more. */
        | 'access.denied'
        | 'stop.requested';
    }
  | { type: 'dial.failed' | 'fault.found'; reason: ResetReason };

type Order =
  | 'findWay'
  | 'sendPing'
  | 'dial'
  | 'sendPong'
  /** Starts to read the local socket. */
  | 'openStream'
  | 'sendEnd'
  | 'endLocal'
  /** What the local socket still says is read and dropped. */
  | 'discardLocal'
  | 'stopTimer'
  | 'close';

export type StreamTimer = 'link' | 'pong' | 'linger';

/** Why a stream is reset: `peer` when the peer said so first; `denied` is for our own log, and the peer hears `stopped`. */
export type AbortReason = ResetReason | 'peer' | 'denied';

/** `abort` resets the local socket, and tells the peer why unless the peer said so first. */
export type StreamEffect = { type: Order } | { type: 'startTimer'; timer: StreamTimer } | { type: 'abort'; reason: AbortReason };

export const typed = setup({ types: { events: {} as StreamEvent, emitted: {} as StreamEffect } });
export const order = (type: Order) => typed.emit({ type });
export const startTimer = (timer: StreamTimer) => typed.emit({ type: 'startTimer', timer });
export const abortFor = (reason: AbortReason) => ({ target: '#stream.aborted', actions: typed.emit({ type: 'abort', reason }) }) as const;
export const abortForFault = {
  target: '#stream.aborted',
  actions: typed.emit(({ event }) => ({ type: 'abort', reason: 'reason' in event ? event.reason : 'unspecified' }) as const),
} as const;

const broken = { 'reset.received': abortFor('peer'), 'peer.lost': abortFor('silence'), 'fault.found': abortForFault } as const;

/**
 * An open stream: its two directions end on their own, and when both have, so has the stream. A direction is broken as
 * long as it is not done; what happens after that can no longer hurt it. Source: reliability.md PO2, PO3
 */
export const open = typed.createStateConfig({
  type: 'parallel',
  entry: order('openStream'),
  on: { 'local.reset': abortFor('local-reset'), 'timer.expired': abortFor('slow') },
  onDone: '#stream.closed',
  states: {
    outgoing: {
      initial: 'sending',
      states: {
        sending: {
          on: {
            ...broken,
            'local.ended': { target: 'awaitAcknowledgement', actions: order('sendEnd') },
            'peer.left': { target: 'discarding', actions: order('discardLocal') },
          },
        },
        awaitAcknowledgement: { on: { ...broken, 'end.acknowledged': 'done', 'peer.left': 'done' } },
        // Nobody takes it, but a socket that is shut on unread bytes would take what it was sent with it.
        discarding: { entry: startTimer('linger'), exit: order('stopTimer'), on: { 'local.ended': 'done' } },
        done: { type: 'final' },
      },
    },
    incoming: {
      initial: 'receiving',
      states: {
        receiving: {
          on: {
            ...broken,
            'peer.ended': { target: 'writing', actions: order('endLocal') },
            'peer.left': { target: 'writing', actions: order('endLocal') },
          },
        },
        writing: { on: { 'all.written': 'done' } },
        done: { type: 'final' },
      },
    },
  },
});

/** The two ways in which a stream is over. */
export const ends = {
  closed: typed.createStateConfig({ type: 'final', entry: order('close') }),
  aborted: typed.createStateConfig({ type: 'final' }),
};
