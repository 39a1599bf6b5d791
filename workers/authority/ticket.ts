import { parseHex } from '../../identities/bytes.ts';
import { hex } from '../../runtime/random.ts';
import { CODE_BYTES } from './bodies.ts';
import { TicketError } from './errors.ts';
import { encodeProjectJson, PROJECT_BYTES_MAX, type ProjectInformation, readProjectJson } from './project.ts';
import { hostedAuthorityRoute, hostedProjectRoute, idInRoute } from './project-route.ts';

/** Everything a newcomer needs. The code is a secret; the rest is not. Source: authority.md 5 */
export interface Ticket {
  /** 32 bytes. */
  readonly code: Uint8Array;
  readonly project: ProjectInformation;
}

/** The form that is printed: hex of JSON. Source: authority.md 5.1 */
export function encodeTicket({ code, project }: Ticket): string {
  return hex(utf8.encode(`{"one_time_code":"${hex(code)}","project":${encodeProjectJson(project)}}`));
}

/**
 * The short form: hex of fields between commas.
 * @throws {TicketError} `TICKET_TEXT` when the name holds a comma, `TICKET_PROJECT` when a history or a route is missing
 * Source: authority.md 5.2
 */
export function encodeCompactTicket({ code, project }: Ticket): string {
  const { accessRoute, identity, name, projectChangeHistory, authorityIdentity, authorityAccessRoute } = project;
  if (name.includes(',')) throw new TicketError('TICKET_TEXT', 'The name of the project holds a comma: use the other form of tickets.');
  if (identity === undefined || projectChangeHistory === undefined || authorityIdentity === undefined || accessRoute === '')
    throw new TicketError('TICKET_PROJECT', 'A ticket needs the identity, both histories and the route of the project.');
  idInRoute(accessRoute);
  const fields = [accessRoute, identity, name, hex(code), projectChangeHistory, authorityIdentity];
  if (authorityAccessRoute !== undefined) fields.push(authorityAccessRoute);
  return hex(utf8.encode(fields.join(',')));
}

/**
 * Reads either form, with or without hex around the short one. White space around it is trimmed: a file often ends with a line
 * feed. The histories are not verified here: see `importProject`.
 * @throws {TicketError} `TICKET_TEXT` for a text that is no ticket, `TICKET_PROJECT` for one without its project, `PROJECT_INFORMATION`, `PROJECT_ROUTE`
 * Source: authority.md 5
 */
export function decodeTicket(text: string): Ticket {
  const trimmed = text.trim();
  if (trimmed.length > 2 * PROJECT_BYTES_MAX) throw new TicketError('TICKET_TEXT', 'This is too long for a ticket.');
  const bytes = trimmed === '' ? undefined : parseHex(trimmed);
  let content = trimmed;
  if (bytes !== undefined) {
    try {
      content = strictText.decode(bytes);
    } catch (cause) {
      throw new TicketError('TICKET_TEXT', `The ticket is damaged. ${ASK_AGAIN}`, { cause });
    }
  }
  return content.trimStart().startsWith('{') ? readLegacy(content) : readCompact(content);
}

const ASK_AGAIN = 'Copy it again, or ask whoever gave it to you for another.';
const utf8 = new TextEncoder();
const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readLegacy(content: string): Ticket {
  let item: unknown;
  try {
    item = JSON.parse(content);
  } catch (cause) {
    throw new TicketError('TICKET_TEXT', `The ticket is cut off or damaged. ${ASK_AGAIN}`, { cause });
  }
  const { one_time_code, project } = item as { readonly one_time_code?: unknown; readonly project?: unknown };
  const code = readCode(one_time_code);
  if (project === undefined || project === null) throw new TicketError('TICKET_PROJECT', `no project in legacy ticket. ${ASK_AGAIN}`);
  const read = readProjectJson(project);
  if (read.projectChangeHistory === undefined)
    throw new TicketError('TICKET_PROJECT', `no project change history in legacy ticket. It was made by an old version. ${ASK_AGAIN}`);
  if (read.authorityIdentity === undefined)
    throw new TicketError('TICKET_PROJECT', `no authority change history in legacy ticket. It was made by an old version. ${ASK_AGAIN}`);
  return {
    code,
    project: projectOf({ ...read, authorityAccessRoute: read.authorityAccessRoute ?? hostedAuthorityRoute(read.id) }),
  };
}

function readCompact(content: string): Ticket {
  const [idOrRoute = '', identity = '', name = '', code, projectChangeHistory, authorityIdentity, authorityRoute] = content.split(',');
  if (projectChangeHistory === undefined || authorityIdentity === undefined)
    throw new TicketError('TICKET_TEXT', `Missing fields in enrollment ticket. ${ASK_AGAIN}`);
  // What begins like a route is one, and has to name the id of the project.
  const isRoute = idOrRoute.startsWith('/');
  const id = isRoute ? idInRoute(idOrRoute) : idOrRoute;
  if (id === '') throw new TicketError('TICKET_TEXT', `The ticket names no project. ${ASK_AGAIN}`);
  const read = readProjectJson({
    id,
    name,
    space_name: '',
    access_route: isRoute ? idOrRoute : hostedProjectRoute(id),
    users: [],
    space_id: '',
    identity: identity === '' ? null : identity,
    authority_access_route: authorityRoute ?? hostedAuthorityRoute(id),
    authority_identity: authorityIdentity,
    user_roles: [],
    project_change_history: projectChangeHistory,
  });
  return { code: readCode(code), project: read };
}

function readCode(item: unknown): Uint8Array {
  const code = typeof item === 'string' ? parseHex(item) : undefined;
  if (code?.length !== CODE_BYTES)
    throw new TicketError('TICKET_TEXT', `The one-time code in the ticket is not 64 hex digits. ${ASK_AGAIN}`);
  return code;
}

/** A ticket carries no users, roles or settings of other systems. Source: authority.md 5.3 */
function projectOf({
  id,
  name,
  accessRoute,
  identity,
  authorityAccessRoute,
  authorityIdentity,
  projectChangeHistory,
}: ProjectInformation): ProjectInformation {
  return {
    id,
    name,
    spaceName: '',
    accessRoute,
    users: [],
    spaceId: '',
    identity,
    authorityAccessRoute,
    authorityIdentity,
    version: undefined,
    running: undefined,
    operationId: undefined,
    userRoles: [],
    projectChangeHistory,
  };
}
