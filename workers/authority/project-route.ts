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
  const [, protocol, host] = route.split('/');
  const id = host?.split('.')[0] ?? '';
  if (protocol !== 'dnsaddr' || id === '')
    throw new TicketError(
      'PROJECT_ROUTE',
      'Invalid project route: it does not begin with /dnsaddr/HOST. Use the ticket form that names the id of the project.',
    );
  return id;
}

/** Checks that a route names a host and a port, as a node needs both to connect; the text stays as it is. @throws {TicketError} `PROJECT_ROUTE` */
export function checkRoute(what: string, route: string): void {
  const [first, protocol, host, tcp, port, ...services] = route.split('/');
  const isWhole =
    first === '' &&
    (protocol === 'dnsaddr' || protocol === 'ip4' || protocol === 'ip6') &&
    host !== '' &&
    tcp === 'tcp' &&
    /^\d{1,5}$/.test(port ?? '') &&
    Number(port) <= 65_535 &&
    services.length % 2 === 0 &&
    services.every((piece, index) => piece !== '' && (index % 2 === 1 || ['service', 'worker', 'secure'].includes(piece)));
  if (!isWhole)
    throw new TicketError(
      'PROJECT_ROUTE',
      `The route to ${what} should be /dnsaddr/HOST/tcp/PORT/service/NAME…: ask whoever made this for another.`,
    );
}
