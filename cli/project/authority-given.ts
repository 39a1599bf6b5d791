import type { ProjectInformation } from 'postern';

/** Another authority than the one of the project, by options. Source: command-line.md 5.16 */
export interface AuthorityGiven {
  /** Its change history in hex. */
  readonly history?: string | undefined;
  /** A multi-address to its listener. */
  readonly route?: string | undefined;
}

/** The project with that authority in the place of its own. */
export function withAuthorityGiven(project: ProjectInformation, { history, route }: AuthorityGiven = {}): ProjectInformation {
  return {
    ...project,
    ...(history !== undefined && { authorityIdentity: history }),
    ...(route !== undefined && { authorityAccessRoute: route }),
  };
}
