import type { HasFlow, Node } from '../../runtime/node.ts';
import { route } from '../../runtime/route.ts';
import type { Way } from '../../runtime/way.ts';
import { maintain, type Session } from '../session/session.ts';
import { REGISTER_TIMEOUT_MS, registerRelay, type RemoteRelay } from './remote-relay.ts';

export interface RelaySessionOptions {
  /** The relay becomes `forward_to_NAME`. */
  readonly name: string;
  /** How long a confirmation may take. Default: 30 s. */
  readonly timeoutMs?: number;
  /**
   * Whether to ask `echo` at the relay's node every 10 s, and to send as often something through the relay itself: a name that
   * was given to somebody else while we were silent is missed by that alone. Default: yes; what never came back is not judged.
   */
  readonly ping?: boolean;
  /** Called with each registration, before the session is up by it. */
  readonly onRegistered?: (relay: RemoteRelay) => void;
}

/**
 * Keeps a relay registered at the node that `way` leads to: again after each loss and whenever the way changes. Others depend
 * on it whom we do not see, so it counts as needed as long as it lives. Source: routing.md 5.5; decisions.md A5
 */
export function relaySession(
  node: Node,
  way: Way | (Way & HasFlow),
  { name, timeoutMs, ping = true, onRegistered }: RelaySessionOptions,
): Session {
  const confirmMs = timeoutMs ?? REGISTER_TIMEOUT_MS;
  return maintain(node, {
    name: `relay ${name}`,
    over: way,
    ...('flow' in way && { flow: way.flow }),
    isNeeded: true,
    // The registration has its own deadline and its own error; this one is for what never settles.
    attemptTimeoutMs: confirmMs + 1_000,
    make: async ({ signal, over }) => {
      const relay = await registerRelay(node, over, { name, timeoutMs: confirmMs, signal });
      onRegistered?.(relay);
      return {
        route: relay.route,
        closed: relay.closed,
        close: () => relay.close(),
        ...(ping && { ping: over.concat(route('echo')), round: relay.route }),
      };
    },
  });
}
