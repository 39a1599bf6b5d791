import type { Flow } from '../../runtime/flow-control.ts';
import type { Node } from '../../runtime/node.ts';
import { route } from '../../runtime/route.ts';
import type { Transport } from '../../runtime/transport.ts';
import { maintain, type Session, type SessionOptions } from './session.ts';

/** What every transport's options have room for. */
interface Dialled {
  readonly flow?: Flow;
  readonly signal?: AbortSignal;
}

export interface ConnectionSessionOptions<Options> extends Pick<SessionOptions, 'flow' | 'isNeeded' | 'attemptTimeoutMs'> {
  /** For the transport's `connect`; flow and signal are the session's. */
  readonly transport?: Omit<Options, keyof Dialled>;
  /** Whether to ask the peer's `echo` every 10 s. Default: yes; a peer that never answered is not judged. */
  readonly ping?: boolean;
}

/** Keeps a connection to that target up. Publish on the session, not on its connection: connections come and go. */
export function connectionSession<Options extends Dialled>(
  node: Node,
  transport: Transport<Options>,
  target: string,
  { transport: forTransport, ping = true, ...options }: ConnectionSessionOptions<Options> = {},
): Session {
  return maintain(node, {
    name: `${transport.name} connection to ${target}`,
    ...options,
    make: async ({ signal, flow }) => {
      const connection = await node.connect(transport, target, { ...forTransport, signal, flow } as unknown as Options);
      return {
        route: connection.route,
        closed: connection.closed,
        close: () => connection.close(),
        ping: ping ? route(connection, 'echo') : undefined,
      };
    },
  });
}
