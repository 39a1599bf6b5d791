import { PosternError } from '../../runtime/errors.ts';

/**
 * A secure channel that was not made, a frame that was refused, or a channel that is over. `HANDSHAKE_REFUSED` and
 * `FRAME_REFUSED` have one text each whatever the reason, and leave the state as it was: the genuine message still succeeds.
 */
export class ChannelError extends PosternError<
  | 'HANDSHAKE_REFUSED'
  | 'HANDSHAKE_ORDER'
  | 'HANDSHAKE_TOO_LONG'
  | 'HANDSHAKE_TIMEOUT'
  | 'HANDSHAKE_STOPPED'
  | 'PEER_REFUSED'
  | 'FRAME_REFUSED'
  | 'NONCES_EXHAUSTED'
  | 'SEALING_FAILED'
  | 'CHANNEL_CLOSED'
> {}

export const handshakeRefused = () => new ChannelError('HANDSHAKE_REFUSED', 'This handshake message was refused; nothing was changed.');

export const frameRefused = () => new ChannelError('FRAME_REFUSED', 'This frame was refused; nothing was changed.');
