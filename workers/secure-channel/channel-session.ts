import type { Timer } from '../../runtime/clock.ts';
import type { Node } from '../../runtime/node.ts';
import type { Route } from '../../runtime/route.ts';
import { type RouteOrWay, toWay } from '../../runtime/way.ts';
import { maintain, type Session, type SessionOptions } from '../session/session.ts';
import { ChannelError } from './errors.ts';
import { type SecureChannel, secureChannel, type SecureChannelOptions } from './secure-channel.ts';

/**
 * How often, and how many times, a channel that has moved asks for a sign of life: for 1 s in all, so that one whose other
 * end is gone is made anew in time. Source: decisions.md A5, new connections within 5 s of a relay's return
 */
const PROBE_GAP_MS = 250;
const PROBES_MAX = 4;
/** The second handshake begins so long after the first; each pause after that is longer by that factor. Our own choice. */
const SECOND_HANDSHAKE_MS = 500;
const LONGER = 1.5;
/** The last handshake message was repeated twice by then: a peer of ours that has the channel has answered. Our own choice. */
const FIRST_WORD_MS = 5_000;
/** As long as a peer that answers probes may be silent. */
const SILENCE_MS = 30_000;

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
  const isUnheard = firstWords(node);
  return maintain(node, {
    ...options,
    name: options.name ?? 'secure channel',
    over: toWay(to),
    make: async ({ signal, flow, over }) => {
      const channel = await firstToOpen(node, over, { ...options, flow, signal });
      const ended = channel.closed.then((reason) => new ChannelError('CHANNEL_CLOSED', `The channel ended (${reason}).`));
      return {
        route: channel.route,
        closed: Promise.race([ended, isUnheard(channel)]),
        close: () => channel.close(),
        reroute: (moved) => moveTo(node, channel, moved.withoutLast),
      };
    },
  });
}

/**
 * A peer that has never answered a probe cannot be judged by its silence: it may be one that answers none, or have died right
 * after the handshake, or have refused us in silence. So a channel on which nothing ever came is made anew, at first soon and
 * then every 30 s, for no stream can stand in it; one on which something came, and then nothing for long, once.
 * @returns what settles, for a channel that was just opened, when it is to be made anew
 */
function firstWords(node: Node): (channel: SecureChannel) => Promise<ChannelError> {
  let wasUnheard = false;
  let wasSilent = false;
  return (channel) =>
    new Promise((resolve) => {
      let timer: Timer;
      const doubt = (why: string) => resolve(new ChannelError('CHANNEL_CLOSED', `The other end has said nothing ${why}.`));
      const watchSilence = () => {
        const { unansweredMs } = channel;
        if (unansweredMs === undefined) {
          wasSilent = false;
        } else if (unansweredMs < SILENCE_MS) {
          timer = node.clock.setTimer(SILENCE_MS - unansweredMs, watchSilence);
        } else if (!wasSilent || !channel.hasHeard) {
          wasSilent = true;
          doubt(`for ${SILENCE_MS / 1_000} s`);
        }
      };
      timer = node.clock.setTimer(FIRST_WORD_MS, () => {
        const isFirst = !wasUnheard;
        wasUnheard = !channel.hasHeard;
        wasSilent ||= wasUnheard;
        if (wasUnheard && isFirst) doubt('since the handshake');
        else watchSilence();
      });
      void channel.closed.then(() => timer.cancel());
    });
}

/** Moves the channel; rejects when no probe was answered. */
function moveTo(node: Node, channel: SecureChannel, toNode: Route): Promise<void> {
  return new Promise((resolve, reject) => {
    let unanswered = 0;
    const probes = Array.from({ length: PROBES_MAX }, (_, index) =>
      node.clock.setTimer(index * PROBE_GAP_MS, () => {
        void channel.reroute(toNode, (PROBES_MAX - index) * PROBE_GAP_MS).then((hasAnswered) => {
          unanswered += 1;
          if (unanswered === PROBES_MAX) reject(new ChannelError('CHANNEL_CLOSED', 'The other end does not answer by the new way.'));
          if (!hasAnswered) return;
          for (const probe of probes) probe.cancel();
          resolve();
        });
      }),
    );
  });
}

/**
 * Shakes hands, and begins another handshake beside the first while nobody answers: nobody repeats a first message that got
 * lost, perhaps at a relay whose client was still on its way. The first channel to open is taken; the time is the first one's.
 */
function firstToOpen(node: Node, to: Route, options: SecureChannelOptions & { readonly signal: AbortSignal }): Promise<SecureChannel> {
  const others = new AbortController();
  const signal = AbortSignal.any([options.signal, others.signal]);
  return new Promise((resolve, reject) => {
    let next: Timer | undefined;
    signal.addEventListener('abort', () => next?.cancel(), { once: true });
    const begin = (nextInMs: number): void => {
      next = node.clock.setTimer(nextInMs, () => begin(nextInMs * LONGER));
      secureChannel(node, to, { ...options, signal }).then(
        (channel) => {
          if (signal.aborted) void channel.close();
          resolve(channel);
          others.abort();
        },
        (thrown: unknown) => {
          reject(
            thrown instanceof Error ? thrown : new ChannelError('HANDSHAKE_STOPPED', 'The handshake was given up.', { cause: thrown }),
          );
          others.abort();
        },
      );
    };
    begin(SECOND_HANDSHAKE_MS);
  });
}
