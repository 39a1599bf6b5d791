import { type Address, TRANSPORT_TYPE } from './address.ts';
import { RuntimeError } from './errors.ts';
import type { Node } from './node.ts';
import { parseRoute, Route } from './route.ts';
import type { Transport } from './transport.ts';

/** How to connect to each kind of hop that a route may name. */
export interface ResolveTransports {
  /** For `1#HOST:PORT`. */
  readonly tcp?: Transport;
  /** For `3#HOST:PORT`. */
  readonly ws?: Transport;
}

/**
 * Connects to the one hop of a route that is on another node, and puts the connection in its place:
 * `hop => 1#127.0.0.1:4000 => echo` can then be sent to. A route without such a hop is returned as it is. Only for routes
 * of the operator: what a peer sent never causes a dial.
 * @param of a route or its text
 * @throws {RuntimeError} `ROUTE_TRANSPORT` for more than one such hop, or one that none of the transports reaches, before
 * anything is dialled; `ROUTE_TEXT`
 * @throws {TransportError} what connecting throws
 * Source: routing.md 1.6; decisions.md A9
 */
export async function resolveRoute(node: Node, of: Route | string, transports: ResolveTransports): Promise<Route> {
  const unresolved = typeof of === 'string' ? parseRoute(of) : of;
  const hops = [...unresolved];
  const index = hops.findIndex((hop) => !hop.isLocal);
  const far = hops[index];
  if (far === undefined) return unresolved;
  if (hops.slice(index + 1).some((hop) => !hop.isLocal)) {
    throw new RuntimeError(
      'ROUTE_TRANSPORT',
      `A route names one hop on another node at most; put the others behind a hop or a relay there: ${unresolved.toString()}`,
    );
  }
  const connection = await node.connect(transportOf(far, transports), far.name);
  return Route.of([...hops.slice(0, index), connection.address, ...hops.slice(index + 1)]);
}

function transportOf(hop: Address, { tcp, ws }: ResolveTransports): Transport {
  const transport = hop.type === TRANSPORT_TYPE.tcp ? tcp : hop.type === TRANSPORT_TYPE.ws ? ws : undefined;
  if (transport !== undefined) return transport;
  throw new RuntimeError('ROUTE_TRANSPORT', `No transport was given that reaches ${hop.toString()}: pass one for its type.`);
}
