import { join } from 'node:path';
import { type ChangeHistory, exportChangeHistory, importChangeHistory } from '../../identities/change-history.ts';
import { createIdentity, type Identity, openIdentity } from '../../identities/identity.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { identityForms } from '../../identities/stored-form.ts';
import { SoftwareVault } from '../../identities/vault.ts';
import type { Ports } from '../../runtime/node.ts';
import { StoredHeard } from '../../storage/heard.ts';
import { StoredHome } from '../../storage/home.ts';
import { StoredIdentities } from '../../storage/identities.ts';
import { StoredKeys } from '../../storage/keys.ts';
import { StoredNames } from '../../storage/names.ts';
import { openSqliteStore, type SqliteStore } from '../../storage/sqlite-store.ts';
import { HomeCredentials } from './credentials.ts';
import { HomeError } from './errors.ts';
import type { NamedIdentity, NamedVault } from './names.ts';
import { VaultFiles } from './vault-files.ts';
import { randomWords } from './words.ts';

/** Source: decisions.md E2 */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
/** What the first vault is called. Source: command-line.md 5.3 */
const FIRST_VAULT = 'default';

/** The file that holds all state of a home, in its folder. Source: command-line.md 4.1 */
export const DATABASE_FILE = 'database.sqlite3';

/** @throws {HomeError} `NAME_INVALID` */
export function checkName(kind: string, name: string): string {
  if (!NAME.test(name))
    throw new HomeError(
      'NAME_INVALID',
      `The name of a ${kind} is 1 to 63 letters, digits, "_" and "-", and begins with a letter or digit: ${JSON.stringify(name)} is none.`,
    );
  return name;
}

/** A name that nobody has yet. */
export function freeName(random: Ports['random'], taken: readonly string[]): string {
  for (;;) {
    const name = randomWords(random);
    if (!taken.includes(name)) return name;
  }
}

/** The state of one person or machine: vaults, identities, nodes and projects by name, in one folder. */
export class Home implements AsyncDisposable {
  readonly folder: string;
  /** Nodes, their resources and policies, projects. */
  readonly state: StoredHome;
  readonly names: StoredNames;
  /** Identities, own and others', and credentials. */
  readonly repository: StoredIdentities;
  /** What was heard of revoked credentials. */
  readonly heard: StoredHeard;
  readonly credentials: HomeCredentials;
  readonly #store: SqliteStore;
  readonly #files: VaultFiles;
  readonly #ports: Pick<Ports, 'clock' | 'random'>;

  private constructor(folder: string, store: SqliteStore, ports: Pick<Ports, 'clock' | 'random'>) {
    this.folder = folder;
    this.state = new StoredHome(store);
    this.names = new StoredNames(store);
    this.repository = new StoredIdentities(store, identityForms(nodeCrypto));
    this.heard = new StoredHeard(store);
    this.credentials = new HomeCredentials(this.repository, ports.clock);
    this.#store = store;
    this.#files = new VaultFiles(ports.clock);
    this.#ports = ports;
  }

  /**
   * Opens a home; what is missing of it is made, for its owner alone. Any number of processes may have it open.
   * @throws {StorageError} as `openSqliteStore`
   */
  static async open(folder: string, ports: Pick<Ports, 'clock' | 'random'>): Promise<Home> {
    return new Home(folder, await openSqliteStore(join(folder, DATABASE_FILE), { clock: ports.clock }), ports);
  }

  /** Lets go of all files. */
  async close(): Promise<void> {
    await this.#files.close();
    await this.#store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Makes a place for keys: the first one in the database of the home, called `default` unless named; others in a file of their own.
   * @param path of that file; default: `vault-NAME` in the home
   * @throws {HomeError} `NAME_INVALID`, `VAULT_TAKEN`
   * @throws {StorageError}
   * Source: command-line.md 5.3
   */
  async createVault({ name, path }: { readonly name?: string | undefined; readonly path?: string | undefined } = {}): Promise<NamedVault> {
    const known = await this.names.vaults();
    const isFirst = known.length === 0;
    const called = checkName('vault', name ?? (isFirst ? FIRST_VAULT : freeName(this.#ports.random, known.map(nameOf))));
    const file = path ?? (isFirst ? undefined : join(this.folder, `vault-${called}`));
    if (known.some((vault) => vault.name === called)) throw vaultTaken(`There is a vault named ${called}`);
    if (known.some((vault) => vault.path !== undefined && vault.path === file)) throw vaultTaken(`A vault is kept in ${String(file)}`);
    if (file !== undefined) await this.#files.create(file);
    if (!(await this.names.addVault({ name: called, path: file })))
      throw vaultTaken(`There is a vault named ${called}, or one in its file`);
    return await this.vault(called);
  }

  /** @throws {HomeError} `VAULT_UNKNOWN` */
  async vault(name: string): Promise<NamedVault> {
    const found = (await this.names.vaults()).find((vault) => vault.name === name);
    if (found === undefined) throw new HomeError('VAULT_UNKNOWN', `The vault ${JSON.stringify(name)} was not found in this home.`);
    return found;
  }

  /** @throws {HomeError} `VAULT_UNKNOWN`, `VAULT_FILE` when it is in the database, or there is a file at `path` */
  async moveVault(name: string, path: string): Promise<void> {
    const { path: from } = await this.vault(name);
    if (from === undefined) throw new HomeError('VAULT_FILE', `The vault ${name} is in the database of this home, and moves only with it.`);
    await this.#files.copy(from, path);
    await this.names.moveVault(name, path);
    await this.#files.remove(from);
  }

  /** Removes a vault with the keys in it. @throws {HomeError} `VAULT_UNKNOWN`, `VAULT_IN_USE` */
  async deleteVault(name: string): Promise<void> {
    const { path } = await this.vault(name);
    if (!(await this.names.removeVault(name))) {
      const users = (await this.names.identities()).filter(({ vault }) => vault === name).map(nameOf);
      throw new HomeError('VAULT_IN_USE', `The vault ${name} holds the keys of ${users.join(', ')}: delete these identities first.`);
    }
    if (path !== undefined) await this.#files.remove(path);
  }

  /**
   * Makes an identity with keys of its own, unless there is one of that name: then it is that one. The vault is made when it is missing.
   * @param history of an identity whose key is in the vault, or that shall only be known: no key is made
   * @throws {HomeError} `NAME_INVALID`, `VAULT_NEEDED` when there are several vaults and none is named
   * @throws {IdentityError} for a history that does not hold
   */
  async createIdentity({
    name,
    vault,
    history,
  }: {
    readonly name?: string | undefined;
    readonly vault?: string | undefined;
    readonly history?: Uint8Array | undefined;
  } = {}): Promise<NamedIdentity & { readonly isNew: boolean }> {
    const known = await this.names.identities();
    const called = checkName('identity', name ?? freeName(this.#ports.random, known.map(nameOf)));
    const before = known.find((each) => each.name === called);
    if (before !== undefined) return { ...before, isNew: false };
    const { name: vaultName, path } = await this.#vaultFor(vault);
    const { identifier } = history === undefined ? await createIdentity(await this.#identityOptions(path)) : await this.#imported(history);
    const kept = await this.names.addIdentity({ name: called, identifier, vault: vaultName });
    return { ...kept, isNew: kept.identifier === identifier };
  }

  /** By name, or the default one. @returns undefined when there is none by default @throws {HomeError} `IDENTITY_UNKNOWN` */
  async named(name?: string): Promise<NamedIdentity | undefined> {
    const known = await this.names.identities();
    const found = known.find((each) => (name === undefined ? each.isDefault : each.name === name));
    if (found === undefined && name !== undefined)
      throw new HomeError(
        'IDENTITY_UNKNOWN',
        `The identity ${JSON.stringify(name)} was not found in this home: make it with 'identity create'.`,
      );
    return found;
  }

  /** Opens an identity by what is known of it. @throws {IdentityError} `SECRET_MISMATCH` when its vault lacks its key */
  async identity({ identifier, vault }: NamedIdentity): Promise<Identity> {
    const { path } = await this.vault(vault);
    const history = await this.repository.history(identifier);
    if (history === undefined)
      throw new HomeError('IDENTITY_UNKNOWN', `The history of ${identifier} is gone: restore a copy of this home.`);
    return openIdentity(exportChangeHistory(history), await this.#identityOptions(path));
  }

  /** Its keys stay in the vault. @throws {HomeError} `IDENTITY_UNKNOWN`, `IDENTITY_IN_USE` */
  async deleteIdentity(name: string): Promise<void> {
    await this.named(name);
    const users = (await this.state.nodes.list()).filter(({ settings }) => settings['identity'] === name).map(nameOf);
    if (users.length > 0)
      throw new HomeError('IDENTITY_IN_USE', `The identity ${name} is used by node ${users.join(', ')}: delete it first.`);
    await this.names.removeIdentity(name);
  }

  async #vaultFor(name: string | undefined): Promise<NamedVault> {
    const known = await this.names.vaults();
    const found = known.find((vault) => (name === undefined ? known.length === 1 : vault.name === name));
    if (found !== undefined) return found;
    if (name === undefined && known.length > 1)
      throw new HomeError('VAULT_NEEDED', `There are ${known.length} vaults: say which one by --vault (${known.map(nameOf).join(', ')}).`);
    try {
      return await this.createVault({ name });
    } catch (thrown) {
      // Somebody else made it at this moment.
      const made = (await this.names.vaults()).find((vault) => vault.name === (name ?? FIRST_VAULT));
      if (made === undefined) throw thrown;
      return made;
    }
  }

  async #imported(bytes: Uint8Array): Promise<ChangeHistory> {
    const history = importChangeHistory(nodeCrypto, bytes);
    await this.repository.storeHistory(history, 'strict', true);
    return history;
  }

  async #identityOptions(path: string | undefined) {
    const { clock, random } = this.#ports;
    const forms = identityForms(nodeCrypto);
    const keys = new StoredKeys(path === undefined ? this.#store : await this.#files.open(path), forms);
    return { clock, random, repository: this.repository, vault: new SoftwareVault(nodeCrypto, random, keys) };
  }
}

const nameOf = ({ name }: { readonly name: string }) => name;
const vaultTaken = (what: string) => new HomeError('VAULT_TAKEN', `${what}: choose another name or path.`);
