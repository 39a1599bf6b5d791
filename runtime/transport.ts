import type { Address } from './address.ts';
import type { Flow } from './flow-control.ts';
import type { HostPort } from './network.ts';
import type { Node } from './node.ts';
import type { Route } from './route.ts';

/** One connection of a message transport, made or accepted. Anything that has an `address` can stand in a route. */
export interface Connection {
  readonly transport: string;
  /** The sender: the first hop of routes through this connection. */
  readonly address: Address;
  /** `[address]`. */
  readonly route: Route;
  /** By which its messages come in. */
  readonly flow: Flow;
  readonly remote: HostPort;
  readonly direction: 'outgoing' | 'incoming';
  /** Resolves when it is gone, whoever ended it; with the cause unless we did. */
  readonly closed: Promise<Error | undefined>;
  close(): Promise<void>;
}

export interface Listener {
  readonly transport: string;
  readonly address: Address;
  /** Its connections' messages may reach what is published on this id. */
  readonly flow: Flow;
  /** Where it really listens. */
  readonly local: HostPort;
  close(): Promise<void>;
}

/** What carries messages between nodes. */
export interface Transport<Options = unknown> {
  readonly name: string;
  connect(node: Node, target: string, options?: Options): Promise<Connection>;
  listen(node: Node, at: string, options?: Options): Promise<Listener>;
}
