import type { Node } from '../../runtime/node.ts';
import { type RouteOrWay, toWay } from '../../runtime/way.ts';
import { maintain, type Session, type SessionOptions } from '../session/session.ts';
import { ChannelError } from './errors.ts';
import { secureChannel, type SecureChannelOptions } from './secure-channel.ts';

export interface ChannelSessionOptions
  extends Omit<SecureChannelOptions, 'signal'>,
    Partial<Pick<SessionOptions, 'name' | 'isNeeded' | 'attemptTimeoutMs'>> {}

/**
 * Keeps a secure channel up. When the way to its listener changes, the channel first moves to the new one and keeps its keys;
 * it shakes hands again when nobody answers there, when it can open nothing any more, or when the other end closed it.
 * @param to the channel's listener, last on the route or way
 * Source: decisions.md A4, B9
 */
export function channelSession(node: Node, to: RouteOrWay, options: ChannelSessionOptions): Session {
  return maintain(node, {
    ...options,
    name: options.name ?? 'secure channel',
    over: toWay(to),
    make: async ({ signal, flow, over }) => {
      const channel = await secureChannel(node, over, { ...options, flow, signal });
      return {
        route: channel.route,
        closed: channel.closed.then((reason) => new ChannelError('CHANNEL_CLOSED', `The channel ended (${reason}).`)),
        close: () => channel.close(),
        reroute: async (moved) => {
          const answered = await channel.reroute(moved.withoutLast);
          if (!answered) throw new ChannelError('CHANNEL_CLOSED', 'The other end does not answer by the new way.');
        },
      };
    },
  });
}
