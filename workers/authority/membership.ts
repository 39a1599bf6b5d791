import type { Attributes } from '../../identities/attributes.ts';
import type { Identifier } from '../../identities/identifier.ts';
import type { Identity } from '../../identities/identity.ts';
import type { Clock } from '../../runtime/clock.ts';
import { forbidden, Refusal } from '../api/errors.ts';
import { relayRefusal, reservedRefusal } from './grants.ts';
import type { Member } from './members.ts';
import type { Removal } from './removal.ts';
import type { RevocationRules } from './revoking.ts';
import { ADMINISTRATOR, HOSTED_ROLE, HOST_ROLES, makesAdministrator, makesEnroller, type RoleMode, type Roles, rolesOf } from './roles.ts';
import type { AuthorityStore, AuthorityTransaction } from './store.ts';

/** Who asks: somebody at the other end of a channel, or whoever runs the authority. */
export type Caller = Identifier | 'host';

/** What the parts of one authority share. */
export interface AuthorityParts {
  readonly identity: Identity;
  readonly clock: Clock;
  readonly store: AuthorityStore;
  readonly mode: RoleMode;
  /** The id of the project. */
  readonly project: string;
}

/** Roles of a caller as one transaction sees them, from what was looked up before it. */
export class RoleBook {
  readonly #parts: AuthorityParts;

  constructor(parts: AuthorityParts) {
    this.#parts = parts;
  }

  /** Whether the account authority, if there is one, says that this is an administrator of the project. Outside of transactions: another store is asked. */
  async holdsProjectAdmin(identifier: Caller): Promise<boolean> {
    const { identity, mode, project } = this.#parts;
    if (mode.kind !== 'account' || identifier === 'host') return false;
    return (await identity.attributesOf(identifier, mode.authority))?.get('project') === project;
  }

  async roles({ members }: AuthorityTransaction, caller: Caller, holdsProjectAdmin: boolean): Promise<Roles> {
    return caller === 'host' ? HOST_ROLES : rolesOf(this.#parts.mode, await members.get(caller), holdsProjectAdmin);
  }
}

/** The rules about members, for whoever asks. Everything that is refused has changed nothing. Source: authority.md 3.1; decisions.md D2 to D4 */
export class Membership {
  readonly #parts: AuthorityParts;
  readonly #book: RoleBook;
  readonly #revoking: RevocationRules;

  constructor(parts: AuthorityParts, revoking: RevocationRules) {
    this.#parts = parts;
    this.#book = new RoleBook(parts);
    this.#revoking = revoking;
  }

  /** Adds a member, or replaces its row entirely. @throws {Refusal} */
  async add(caller: Caller, member: Identifier, attributes: Attributes): Promise<void> {
    const { store, clock, mode, identity } = this.#parts;
    const [asksAsAdmin, isAdmin] = await Promise.all([this.#book.holdsProjectAdmin(caller), this.#book.holdsProjectAdmin(member)]);
    await store.transact(async (transaction) => {
      const roles = await this.#book.roles(transaction, caller, asksAsAdmin);
      if (!roles.isEnroller) throw forbidden(`Non-enroller ${caller} is trying to add a member ${member}`);
      if (makesEnroller(attributes) && !roles.isAdministrator) throw forbidden('Not pre trusted enroller is trying to create an enroller');
      const nowSeconds = clock.wallSeconds();
      const grant = { attributes, roles, useCount: 1, recipient: member };
      const refusal = reservedRefusal(mode, attributes, roles) ?? (await relayRefusal(mode, transaction, grant, nowSeconds));
      if (refusal !== undefined) throw refusal;
      const row = await transaction.members.get(member);
      if (row !== undefined && caller !== 'host') await this.#mayReplace(transaction, roles, row, rolesOf(mode, row, isAdmin), attributes);
      const addedBy = caller === 'host' ? identity.identifier : caller;
      await transaction.members.put({ identifier: member, attributes, addedBy, addedAt: nowSeconds, isPreTrusted: false });
    });
  }

  /** @throws {Refusal} */
  list(caller: Caller): Promise<readonly Member[]> {
    return this.#read(caller, 'Non-enroller is trying to list members', ({ members }) => members.list());
  }

  /** @throws {Refusal} also when there is none */
  show(caller: Caller, identifier: Identifier): Promise<Member> {
    return this.#read(caller, 'Non-enroller is trying to retrieve a member', async ({ members }) => {
      const member = await members.get(identifier);
      if (member === undefined) throw forbidden(`Member ${identifier} not found`);
      return member;
    });
  }

  /** Removes a member, the codes it has issued, and what its credentials were good for. One that is none is no error. @throws {Refusal} */
  async remove(caller: Caller, identifier: Identifier): Promise<Removal> {
    const [asksAsAdmin, isAdmin] = await Promise.all([this.#book.holdsProjectAdmin(caller), this.#book.holdsProjectAdmin(identifier)]);
    return this.#parts.store.transact(async (transaction) => {
      const roles = await this.#book.roles(transaction, caller, asksAsAdmin);
      if (!roles.isEnroller) throw forbidden('Non-enroller is trying to delete a member');
      return this.#removeRow(transaction, roles, identifier, isAdmin);
    });
  }

  /** Removes everybody but the caller and those it may not remove. @throws {Refusal} */
  async removeAll(caller: Caller): Promise<void> {
    for (const { identifier } of await this.list(caller)) {
      if (identifier === caller) continue;
      await this.remove(caller, identifier).catch((thrown: unknown) => {
        if (!(thrown instanceof Refusal)) throw thrown;
      });
    }
  }

  /** Replaces the rows that the host configures, as at every start; whoever is not among them any more is removed. Source: authority.md 4.1 */
  configure(trusted: ReadonlyMap<Identifier, Attributes>): Promise<void> {
    const { store, clock, identity } = this.#parts;
    return store.transact(async (transaction) => {
      const { members, tokens } = transaction;
      for (const { identifier, isPreTrusted } of await members.list()) {
        if (!isPreTrusted || trusted.has(identifier)) continue;
        await tokens.removeIssuedBy(identifier);
        await this.#revoking.ofSubject(transaction, identifier);
      }
      await members.removePreTrusted();
      const row = { addedBy: identity.identifier, addedAt: clock.wallSeconds(), isPreTrusted: true };
      for (const [identifier, attributes] of trusted) await members.put({ identifier, attributes, ...row });
    });
  }

  async #read<Result>(caller: Caller, refusal: string, work: (transaction: AuthorityTransaction) => Promise<Result>): Promise<Result> {
    const asksAsAdmin = await this.#book.holdsProjectAdmin(caller);
    return this.#parts.store.transact(async (transaction) => {
      if (!(await this.#book.roles(transaction, caller, asksAsAdmin)).isEnroller) throw forbidden(refusal);
      return work(transaction);
    });
  }

  /** The original lets any enroller strip another of its role by adding it again. */
  async #mayReplace(transaction: AuthorityTransaction, roles: Roles, row: Member, target: Roles, attributes: Attributes): Promise<void> {
    if (target.isEnroller && !roles.isAdministrator) throw forbidden('Not admin is trying to replace an enroller');
    if (this.#parts.mode.kind !== 'hosted') return;
    if (row.isPreTrusted) throw forbidden('Enroller is trying to replace a pre trusted identity');
    if (!makesAdministrator(attributes)) await this.#mayGo(transaction, row);
  }

  async #removeRow(transaction: AuthorityTransaction, roles: Roles, identifier: Identifier, isAdmin: boolean): Promise<Removal> {
    const { members, tokens } = transaction;
    const row = await members.get(identifier);
    if (row?.isPreTrusted === true) throw forbidden('Enroller is trying to delete a pre trusted identity');
    if (rolesOf(this.#parts.mode, row, isAdmin).isEnroller && !roles.isAdministrator)
      throw forbidden('Not admin is trying to delete an enroller');
    if (row !== undefined) await this.#mayGo(transaction, row);
    const added = (await members.addedBy(identifier)).map((member) => member.identifier);
    return {
      wasMember: await members.remove(identifier),
      voidedTokens: await tokens.removeIssuedBy(identifier),
      added: added.filter((each) => each !== identifier),
      revocation: await this.#revoking.ofSubject(transaction, identifier),
    };
  }

  /** The last administrator of a hosted project stays. */
  async #mayGo({ members }: AuthorityTransaction, row: Member): Promise<void> {
    if (this.#parts.mode.kind !== 'hosted' || !makesAdministrator(row.attributes)) return;
    const administrators = await members.withAttribute(HOSTED_ROLE, ADMINISTRATOR);
    if (administrators.every(({ identifier }) => identifier === row.identifier)) throw forbidden('The last administrator stays');
  }
}
