import type { KnownProject } from 'postern/manager';

/** HOST:PORT at the beginning of a route. */
function hostPortOf(route: unknown): string | null {
  const [, host, port] = /^\/(?:dnsaddr|ip4|ip6)\/([^/]+)\/tcp\/(\d+)/.exec(typeof route === 'string' ? route : '') ?? [];
  return host === undefined || port === undefined ? null : `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The project file, and what can be derived from it. Source: command-line.md 2.3 */
export function projectJson({ name, information }: KnownProject): Readonly<Record<string, unknown>> {
  const project = JSON.parse(information) as Record<string, unknown>;
  const access = hostPortOf(project['access_route']);
  const authority = hostPortOf(project['authority_access_route']);
  const egress = [...new Set([access, authority].filter((each) => each !== null))];
  return { ...project, name, access_address: access, authority_access_address: authority, egress_allow_list: egress };
}

export function projectPlain(project: KnownProject): string {
  const shown = projectJson(project);
  return [
    `${project.name}${project.isDefault ? ' (default)' : ''}`,
    `id ${project.id}`,
    `at ${String(shown['access_address'])}`,
    `identity ${project.identity ?? 'unknown'}`,
    `authority ${project.authority ?? 'unknown'}`,
  ].join('\n');
}
