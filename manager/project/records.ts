import { exportChangeHistory } from '../../identities/change-history.ts';
import { type Identifier, parseIdentifier } from '../../identities/identifier.ts';
import { createIdentity, type Identity, type IdentityOptions, openIdentity } from '../../identities/identity.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { SoftwareVault } from '../../identities/vault.ts';
import type { Ports } from '../../runtime/node.ts';
import { hex, type Random } from '../../runtime/random.ts';
import type { Settings } from '../ports.ts';
import { ProjectError } from './errors.ts';
import type { ProjectState } from './state.ts';

/** Under which the project stands among the nodes of its state. */
const RECORD = 'project';
/** An id stands in routes and in names of hosts. Our own choice; a UUID fits. */
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

/** What a project is, from its first start on. */
export interface ProjectRecord {
  readonly id: string;
  readonly name: string;
  readonly project: Identity;
  readonly authority: Identity;
}

/**
 * Takes up the project that the state holds, or makes a new one. Of several processes that come at once one decides what it is.
 * @param id of a new one; a random UUID by default. Another one than the state's is refused
 * @throws {ProjectError} `PROJECT_SETTING`, `PROJECT_STATE`
 * @throws {IdentityError} `SECRET_MISMATCH` when a key of the project is gone
 */
export async function loadProject(
  state: ProjectState,
  { clock, random }: Pick<Ports, 'clock' | 'random'>,
  { id, name }: { readonly id?: string | undefined; readonly name?: string | undefined },
): Promise<ProjectRecord> {
  if (id !== undefined && !ID.test(id))
    throw new ProjectError('PROJECT_SETTING', 'The id of a project is up to 63 letters, digits, "_" and "-": choose another.');
  const vault = new SoftwareVault(nodeCrypto, random, state.keys);
  const options = { clock, random, repository: state.identities, vault };
  const known = await recordOf(state);
  const settings = known ?? (await make(state, options, { id: id ?? uuid(random), name: name ?? 'default' }));
  if (id !== undefined && settings.id !== id)
    throw new ProjectError(
      'PROJECT_SETTING',
      `This state holds the project ${settings.id}, not ${id}: give each project a state of its own.`,
    );
  const [project, authority] = await Promise.all([open(settings.project, options), open(settings.authority, options)]);
  return { id: settings.id, name: name ?? settings.name, project, authority };
}

interface Kept {
  readonly id: string;
  readonly name: string;
  readonly project: Identifier;
  readonly authority: Identifier;
}

type Opened = IdentityOptions & Required<Pick<IdentityOptions, 'vault' | 'repository'>>;

/** Both identities stand before the record that names them: a process that dies between leaves two keys that nobody uses. */
async function make(state: ProjectState, options: Opened, { id, name }: Pick<Kept, 'id' | 'name'>): Promise<Kept> {
  const [project, authority] = await Promise.all([createIdentity(options), createIdentity(options)]);
  const ours = { id, name, project: project.identifier, authority: authority.identifier };
  const kept = await state.nodes.change(RECORD, (before) => (before === undefined ? { settings: ours, state: {} } : undefined));
  if (kept !== undefined) return ours;
  for (const identity of [project, authority]) await options.vault.deleteSigningKey((await identity.history()).latest.primaryKey);
  const others = await recordOf(state);
  if (others === undefined) throw damaged('it was removed at this moment');
  return others;
}

async function recordOf({ nodes }: ProjectState): Promise<Kept | undefined> {
  const found = await nodes.get(RECORD);
  return found && readRecord(found.settings);
}

function readRecord({ id, name, project, authority }: Settings): Kept {
  if (typeof id !== 'string' || typeof name !== 'string' || typeof project !== 'string' || typeof authority !== 'string')
    throw damaged('the record lacks a part');
  try {
    return { id, name, project: parseIdentifier(project), authority: parseIdentifier(authority) };
  } catch (cause) {
    throw damaged('the record names no identity', cause);
  }
}

async function open(identifier: Identifier, options: Opened): Promise<Identity> {
  const history = await options.repository.history(identifier);
  if (history === undefined) throw damaged(`the history of ${identifier} is gone`);
  return openIdentity(exportChangeHistory(history), options);
}

/** A random UUID, version 4. Source: RFC 9562 5.4 */
function uuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const damaged = (why: string, cause?: unknown) =>
  new ProjectError(
    'PROJECT_STATE',
    `The state of this project is damaged: ${why}. Restore a copy of it.`,
    cause === undefined ? {} : { cause },
  );
