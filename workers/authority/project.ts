import { parseHex } from '../../identities/bytes.ts';
import { identifierBytes, identifierOf, parseIdentifier, type Identifier } from '../../identities/identifier.ts';
import type { Identity } from '../../identities/identity.ts';
import { decodeCbor, encodeCbor } from '../../runtime/codec/cbor.ts';
import { CodecError, PosternError } from '../../runtime/errors.ts';
import { encodedArray, encodedFields, FieldReader } from '../api/fields.ts';
import { TicketError } from './errors.ts';
import { checkRoute } from './project-route.ts';

/** Plain enumerations of the wire, in the order of their numbers. Source: authority.md 6.2 */
const ROLES = ['Admin', 'Guest', 'Service'] as const;
const SCOPES = ['Project', 'Service', 'Space'] as const;

/** More than any project information of the original: two histories of 64 changes, and users. Our own bound. */
export const PROJECT_BYTES_MAX = 256 * 1024;

export interface ProjectUserRole {
  readonly email: string;
  readonly id: number;
  readonly role: (typeof ROLES)[number];
  readonly scope: (typeof SCOPES)[number];
}

export interface OktaConfiguration {
  readonly tenantBaseUrl: string;
  readonly certificate: string;
  readonly clientId: string;
  readonly attributes: readonly string[];
}

/** What a node knows of a project: in files, in tickets, and in answers of the hosted controller. Source: authority.md 6.2 */
export interface ProjectInformation {
  /** A free text, normally a UUID; it goes into credentials. */
  readonly id: string;
  readonly name: string;
  readonly spaceName: string;
  /** A multi-address; may be empty. */
  readonly accessRoute: string;
  /** E-mail addresses. */
  readonly users: readonly string[];
  readonly spaceId: string;
  readonly identity: Identifier | undefined;
  /** A multi-address. */
  readonly authorityAccessRoute: string | undefined;
  /** The change history of the authority in hex. */
  readonly authorityIdentity: string | undefined;
  readonly okta?: OktaConfiguration | undefined;
  readonly kafkaBootstrapServer?: string | undefined;
  readonly version: string | undefined;
  readonly running: boolean | undefined;
  readonly operationId: string | undefined;
  readonly userRoles: readonly ProjectUserRole[];
  /** The change history of the project in hex. */
  readonly projectChangeHistory: string | undefined;
}

/** The JSON object, keys in the order of the original. */
export function encodeProjectJson(project: ProjectInformation): string {
  const { okta, kafkaBootstrapServer } = project;
  return JSON.stringify({
    id: project.id,
    name: project.name,
    space_name: project.spaceName,
    access_route: project.accessRoute,
    users: project.users,
    space_id: project.spaceId,
    identity: project.identity ?? null,
    authority_access_route: project.authorityAccessRoute ?? null,
    authority_identity: project.authorityIdentity ?? null,
    ...(okta && {
      okta_config: {
        tenant_base_url: okta.tenantBaseUrl,
        certificate: okta.certificate,
        client_id: okta.clientId,
        attributes: okta.attributes,
      },
    }),
    ...(kafkaBootstrapServer !== undefined && { kafka_config: { bootstrap_server: kafkaBootstrapServer } }),
    version: project.version ?? null,
    running: project.running ?? null,
    operation_id: project.operationId ?? null,
    user_roles: project.userRoles,
    project_change_history: project.projectChangeHistory ?? null,
  });
}

/** Reads the JSON object: optional keys may be missing, unknown ones are ignored. @throws {TicketError} `PROJECT_INFORMATION` */
export function decodeProjectJson(text: string): ProjectInformation {
  if (text.length > PROJECT_BYTES_MAX) throw notProject(`it is larger than ${PROJECT_BYTES_MAX} bytes`);
  let item: unknown;
  try {
    item = JSON.parse(text);
  } catch (cause) {
    throw notProject('it is no JSON', cause);
  }
  return readProjectJson(item);
}

/** As `decodeProjectJson`, for what was parsed as part of something larger. */
export function readProjectJson(item: unknown): ProjectInformation {
  const json = objectOf('project', item);
  const okta = optional(json['okta_config'], (value) => objectOf('okta_config', value));
  const identity = optional(json['identity'], (value) => textOf('identity', value));
  return {
    id: textOf('id', json['id']),
    name: textOf('name', json['name']),
    spaceName: textOf('space_name', json['space_name']),
    accessRoute: textOf('access_route', json['access_route']),
    users: arrayOf('users', json['users']).map((user) => textOf('users', user)),
    spaceId: textOf('space_id', json['space_id']),
    identity: identity === undefined ? undefined : readIdentifier(identity),
    authorityAccessRoute: optionalText('authority_access_route', json),
    authorityIdentity: optionalText('authority_identity', json),
    okta: okta && {
      tenantBaseUrl: textOf('tenant_base_url', okta['tenant_base_url']),
      certificate: textOf('certificate', okta['certificate']),
      clientId: textOf('client_id', okta['client_id']),
      attributes: arrayOf('attributes', okta['attributes']).map((name) => textOf('attributes', name)),
    },
    kafkaBootstrapServer: optional(json['kafka_config'], (value) =>
      textOf('bootstrap_server', objectOf('kafka_config', value)['bootstrap_server']),
    ),
    version: optionalText('version', json),
    running: optional(json['running'], (value) => {
      if (typeof value !== 'boolean') throw notProject('running should be true or false');
      return value;
    }),
    operationId: optionalText('operation_id', json),
    userRoles: arrayOf('user_roles', json['user_roles']).map((role) => readRole(objectOf('user_roles', role))),
    projectChangeHistory: optionalText('project_change_history', json),
  };
}

/** The CBOR record, as answers of the hosted controller have it. */
export function encodeProjectCbor(project: ProjectInformation): Uint8Array {
  const { okta, kafkaBootstrapServer, identity } = project;
  const texts = (items: readonly string[]) => encodedArray(items.map((item) => encodeCbor(item)));
  const maybe = (value: unknown) => (value === undefined ? undefined : encodeCbor(value));
  return encodedFields({
    1: encodeCbor(project.id),
    2: encodeCbor(project.name),
    3: encodeCbor(project.spaceName),
    5: encodeCbor(project.accessRoute),
    6: texts(project.users),
    7: encodeCbor(project.spaceId),
    8: identity && encodeCbor(identifierBytes(identity)),
    9: maybe(project.authorityAccessRoute),
    10: maybe(project.authorityIdentity),
    11:
      okta &&
      encodedFields({
        1: encodeCbor(okta.tenantBaseUrl),
        2: encodeCbor(okta.certificate),
        3: encodeCbor(okta.clientId),
        4: texts(okta.attributes),
      }),
    12: kafkaBootstrapServer === undefined ? undefined : encodedFields({ 1: encodeCbor(kafkaBootstrapServer) }),
    13: maybe(project.version),
    14: maybe(project.running),
    15: maybe(project.operationId),
    16: encodedArray(
      project.userRoles.map(({ email, id, role, scope }) =>
        encodedFields({
          1: encodeCbor(email),
          2: encodeCbor(id),
          3: encodeCbor(ROLES.indexOf(role)),
          4: encodeCbor(SCOPES.indexOf(scope)),
        }),
      ),
    ),
    17: maybe(project.projectChangeHistory),
  });
}

/** @throws {CodecError} */
export function decodeProjectCbor(bytes: Uint8Array): ProjectInformation {
  const fields = new FieldReader('Project information', decodeCbor(bytes, PROJECT_BYTES_MAX));
  const identity = fields.optionalBytes(8, 32);
  const okta = fields.optional(11) === undefined ? undefined : new FieldReader('okta_config', fields.map(11));
  const kafka = fields.optional(12) === undefined ? undefined : new FieldReader('kafka_config', fields.map(12));
  return {
    id: fields.text(1),
    name: fields.text(2),
    spaceName: fields.text(3),
    accessRoute: fields.text(5),
    users: fields.array(6).map(textItem),
    spaceId: fields.text(7),
    identity: identity && identifierOf(identity),
    authorityAccessRoute: fields.optionalText(9),
    authorityIdentity: fields.optionalText(10),
    okta: okta && {
      tenantBaseUrl: okta.text(1),
      certificate: okta.text(2),
      clientId: okta.text(3),
      attributes: okta.array(4).map(textItem),
    },
    kafkaBootstrapServer: kafka?.text(1),
    version: fields.optionalText(13),
    running: fields.optional(14) === undefined ? undefined : fields.boolean(14),
    operationId: fields.optionalText(15),
    userRoles: fields.array(16).map((item) => {
      const role = new FieldReader('A role', item);
      return {
        email: role.text(1),
        id: role.number(2),
        role: ROLES[role.number(3, ROLES.length - 1)] ?? 'Guest',
        scope: SCOPES[role.number(4, SCOPES.length - 1)] ?? 'Project',
      };
    }),
    projectChangeHistory: fields.optionalText(17),
  };
}

/** A project whose identities were verified and are remembered. */
export interface ImportedProject {
  readonly project: ProjectInformation;
  /** Undefined when the information has no history of the project. */
  readonly identifier: Identifier | undefined;
  /** Undefined when the information has no history of the authority. */
  readonly authority: Identifier | undefined;
}

/**
 * Verifies project information and remembers both identities for good: without the authority's no credential of it can be
 * verified. Nothing is remembered unless all of it holds.
 * @throws {TicketError} `PROJECT_INFORMATION` for a history that does not hold, or is one of another identity; `PROJECT_ROUTE`
 * @throws {IdentityError} `HISTORY_CONFLICT`
 * Source: authority.md 6.3
 */
export async function importProject(identity: Identity, project: ProjectInformation): Promise<ImportedProject> {
  const { projectChangeHistory, authorityIdentity, accessRoute, authorityAccessRoute } = project;
  const projectHistory = historyBytes('the project', projectChangeHistory);
  const authorityHistory = historyBytes('the authority', authorityIdentity);
  if (accessRoute !== '') checkRoute('the project', accessRoute);
  if (authorityAccessRoute !== undefined) checkRoute('its authority', authorityAccessRoute);
  const identifier = projectHistory && verified(identity, 'the project', projectHistory);
  const authority = authorityHistory && verified(identity, 'the authority', authorityHistory);
  if (identifier !== undefined && project.identity !== undefined && identifier !== project.identity)
    throw notProject(`its history is that of ${identifier}, not of ${project.identity}`);
  for (const history of [projectHistory, authorityHistory])
    if (history !== undefined) await identity.importHistory(history, { rule: 'ignore-older', keep: true });
  return { project: { ...project, identity: identifier ?? project.identity }, identifier, authority };
}

function verified(identity: Identity, of: string, history: Uint8Array): Identifier {
  try {
    return identity.identifierIn(history);
  } catch (cause) {
    if (!(cause instanceof PosternError)) throw cause;
    throw notProject(`the history of ${of} does not hold`, cause);
  }
}

function historyBytes(of: string, digits: string | undefined): Uint8Array | undefined {
  if (digits === undefined) return undefined;
  const bytes = parseHex(digits);
  if (bytes === undefined) throw notProject(`the history of ${of} is no hex`);
  return bytes;
}

function readRole(json: Readonly<Record<string, unknown>>): ProjectUserRole {
  const [role, scope] = [ROLES.find((each) => each === json['role']), SCOPES.find((each) => each === json['scope'])];
  const id = json['id'];
  if (role === undefined || scope === undefined || !Number.isSafeInteger(id) || (id as number) < 0)
    throw notProject('user_roles holds something unknown');
  return { email: textOf('email', json['email']), id: id as number, role, scope };
}

function objectOf(name: string, item: unknown): Readonly<Record<string, unknown>> {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) throw notProject(`${name} should be an object`);
  return item as Readonly<Record<string, unknown>>;
}

function arrayOf(name: string, item: unknown): readonly unknown[] {
  if (!Array.isArray(item)) throw notProject(`${name} should be an array`);
  return item;
}

function textOf(name: string, item: unknown): string {
  if (typeof item !== 'string') throw notProject(`${name} should be a text`);
  return item;
}

function optional<Value>(item: unknown, read: (item: unknown) => Value): Value | undefined {
  return item === undefined || item === null ? undefined : read(item);
}

function optionalText(name: string, json: Readonly<Record<string, unknown>>): string | undefined {
  return optional(json[name], (item) => textOf(name, item));
}

function readIdentifier(text: string): Identifier {
  try {
    return parseIdentifier(text);
  } catch (cause) {
    throw notProject('identity should be an identifier', cause);
  }
}

function textItem(item: unknown): string {
  if (typeof item !== 'string') throw new CodecError('CODEC_TYPE', 'This should be a text.');
  return item;
}

const notProject = (why: string, cause?: unknown) =>
  new TicketError(
    'PROJECT_INFORMATION',
    `This is no project information that can be used: ${why}. Ask an administrator of the project for it again.`,
    cause === undefined ? {} : { cause },
  );
