import { type MultiAddressComponent, MultiAddressError, parseMultiAddress } from '../../runtime/multi-address.ts';
import { TicketError } from './errors.ts';

/** What stands behind the id of a project in the host names of the hosted Orchestrator. Source: authority.md 5.2 */
const HOSTED_DOMAIN = 'projects.orchestrator.ockam.io';

/** The route to a hosted project, whose id is all that is known of it. */
export function hostedProjectRoute(id: string): string {
  return `/dnsaddr/${id}.${HOSTED_DOMAIN}/tcp/443/service/${id}/service/api`;
}

/** The route to the authority of a hosted project. */
export function hostedAuthorityRoute(id: string): string {
  return `/dnsaddr/${id}.${HOSTED_DOMAIN}/tcp/443/service/${id}/service/authority/service/api`;
}

/**
 * The id that stands at the beginning of the host name in the route to a project: `p1` for `/dnsaddr/p1.example/tcp/…`.
 * @throws {TicketError} `PROJECT_ROUTE` for a route that does not begin with a host name
 */
export function idInRoute(route: string): string {
  const [first] = read(route) ?? [];
  const id = first?.protocol === 'dnsaddr' ? (first.value.split('.')[0] ?? '') : '';
  if (id === '')
    throw new TicketError(
      'PROJECT_ROUTE',
      'Invalid project route: it does not begin with /dnsaddr/HOST. Use the ticket form that names the id of the project.',
    );
  return id;
}

/** Checks that a route names a host and a port, as a node needs both to connect; the text stays as it is. @throws {TicketError} `PROJECT_ROUTE` */
export function checkRoute(what: string, route: string): void {
  const [host, port, ...services] = read(route) ?? [];
  const isWhole =
    host !== undefined &&
    ['dnsaddr', 'ip4', 'ip6'].includes(host.protocol) &&
    host.value !== '' &&
    port?.protocol === 'tcp' &&
    services.every(({ protocol, value }) => value !== '' && ['service', 'worker', 'secure'].includes(protocol));
  if (!isWhole)
    throw new TicketError(
      'PROJECT_ROUTE',
      `The route to ${what} should be /dnsaddr/HOST/tcp/PORT/service/NAME…: ask whoever made this for another.`,
    );
}

function read(route: string): readonly MultiAddressComponent[] | undefined {
  try {
    return parseMultiAddress(route).components;
  } catch (thrown) {
    if (thrown instanceof MultiAddressError) return undefined;
    throw thrown;
  }
}
