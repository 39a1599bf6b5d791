import type { Identifier } from '../../identities/identifier.ts';
import type { Random } from '../../runtime/random.ts';
import { badRequest, forbidden } from '../api/errors.ts';
import { CODE_BYTES, type CreateToken, type ToldToken } from './bodies.ts';
import { relayRefusal, reservedRefusal } from './grants.ts';
import { type AuthorityParts, type Caller, RoleBook } from './membership.ts';
import { ADMINISTRATOR, HOST_ROLES, HOSTED_ROLE, makesEnroller, type Roles, rolesOf } from './roles.ts';
import type { AuthorityTransaction } from './store.ts';
import { codeHashOf, type Token } from './tokens.ts';
import type { WrongCodes } from './wrong-codes.ts';

/** Source: authority.md 3.2 */
const DEFAULT_LIFE_SECONDS = 600;
/** Source: decisions.md D4. The original has no bounds. */
const LIFE_SECONDS_MAX = 30 * 86_400;
const USES_MAX = 1_000;
/** Source: decisions.md D5 */
const ADMINISTRATOR_LIFE_SECONDS = 86_400;

/** The rules about one-time codes. Source: authority.md 3.2, 3.3; decisions.md D3 to D5 */
export class Enrollment {
  readonly #parts: AuthorityParts;
  readonly #random: Random;
  readonly #wrongCodes: WrongCodes;
  readonly #book: RoleBook;

  constructor(parts: AuthorityParts, random: Random, wrongCodes: WrongCodes) {
    this.#parts = parts;
    this.#random = random;
    this.#wrongCodes = wrongCodes;
    this.#book = new RoleBook(parts);
  }

  /** @returns the code, 32 bytes: it is kept nowhere. @throws {Refusal} */
  async issue(caller: Caller, { attributes, lifeSeconds = DEFAULT_LIFE_SECONDS, useCount = 1 }: CreateToken): Promise<Uint8Array> {
    const { store, clock, mode, identity } = this.#parts;
    const asksAsAdmin = await this.#book.holdsProjectAdmin(caller);
    const { code, token } = this.#newCode();
    await store.transact(async (transaction) => {
      const roles = await this.#book.roles(transaction, caller, asksAsAdmin);
      if (!roles.isEnroller) throw forbidden('Non-enroller is trying to issue an enrollment token');
      if (makesEnroller(attributes) && !roles.isAdministrator)
        throw forbidden('Not admin is trying to issue an enrollment token for an enroller');
      if (lifeSeconds > LIFE_SECONDS_MAX) throw badRequest(`A ticket lives ${LIFE_SECONDS_MAX} seconds at most`);
      if (useCount > USES_MAX) throw badRequest(`A ticket has ${USES_MAX} uses at most`);
      const createdAt = clock.wallSeconds();
      await transaction.tokens.removeExpired(createdAt);
      const grant = { attributes, roles, useCount };
      const refusal = reservedRefusal(mode, attributes, roles) ?? (await relayRefusal(mode, transaction, grant, createdAt));
      if (refusal !== undefined) throw refusal;
      const issuedBy = caller === 'host' ? identity.identifier : caller;
      const usesLeft = Math.max(useCount, 1); // Zero works like one.
      await transaction.tokens.add({ ...token, issuedBy, createdAt, expiresAt: createdAt + lifeSeconds, usesLeft, attributes });
    });
    return code;
  }

  /**
   * Takes one use of a code and makes the caller a member, both or neither. Only a wrong code makes the caller wait.
   * @param code 32 bytes
   * @throws {Refusal}
   */
  async redeem(caller: Identifier, code: Uint8Array): Promise<void> {
    const { store, clock, identity } = this.#parts;
    const codeHash = codeHashOf(identity.crypto.sha256(code));
    const isRight = await store.transact(async (transaction) => {
      const { members, tokens } = transaction;
      if ((await members.get(caller)) !== undefined) throw forbidden('Already a member'); // Clients look for this text.
      const nowSeconds = clock.wallSeconds();
      await tokens.removeExpired(nowSeconds);
      const token = await tokens.use(codeHash, nowSeconds);
      if (token === undefined) return false;
      await this.#mayGrant(transaction, token, caller, nowSeconds);
      const { attributes, issuedBy } = token;
      await members.put({ identifier: caller, attributes, addedBy: issuedBy, addedAt: nowSeconds, isPreTrusted: false });
      return true;
    });
    if (!isRight) throw forbidden('Unknown enrollment token', { delayMs: this.#wrongCodes.delayMs(caller, clock.monotonicMs()) });
  }

  /** The open codes, without the codes. @throws {Refusal} */
  list(caller: Caller): Promise<readonly ToldToken[]> {
    return this.#asEnroller(caller, ({ tokens }) => tokens.open(this.#parts.clock.wallSeconds()));
  }

  /** Voids an open code by its reference. One that is none is no error. @throws {Refusal} */
  revoke(caller: Caller, reference: string): Promise<void> {
    return this.#asEnroller(caller, async ({ tokens }, roles) => {
      const token = (await tokens.open(this.#parts.clock.wallSeconds())).find((each) => each.reference === reference);
      if (token === undefined) return;
      if (makesEnroller(token.attributes) && !roles.isAdministrator)
        throw forbidden('Not admin is trying to revoke a ticket for an enroller');
      await tokens.remove(reference);
    });
  }

  /**
   * A code that makes an administrator, for the host of a hosted project that has none.
   * @returns undefined when there is an administrator, or such a code is open already
   * Source: decisions.md D5
   */
  async administratorCode(): Promise<Uint8Array | undefined> {
    const { store, clock, identity } = this.#parts;
    const { code, token } = this.#newCode();
    const isNew = await store.transact(async ({ members, tokens }) => {
      const createdAt = clock.wallSeconds();
      if ((await members.withAttribute(HOSTED_ROLE, ADMINISTRATOR)).length > 0) return false;
      if ((await tokens.withAttribute(HOSTED_ROLE, ADMINISTRATOR, createdAt)).length > 0) return false;
      const attributes = new Map([[HOSTED_ROLE, ADMINISTRATOR]]);
      const expiresAt = createdAt + ADMINISTRATOR_LIFE_SECONDS;
      await tokens.add({ ...token, issuedBy: identity.identifier, createdAt, expiresAt, usesLeft: 1, attributes });
      return true;
    });
    return isNew ? code : undefined;
  }

  async #asEnroller<Result>(caller: Caller, work: (transaction: AuthorityTransaction, roles: Roles) => Promise<Result>): Promise<Result> {
    const asksAsAdmin = await this.#book.holdsProjectAdmin(caller);
    return this.#parts.store.transact(async (transaction) => {
      const roles = await this.#book.roles(transaction, caller, asksAsAdmin);
      if (!roles.isEnroller) throw forbidden('Non-enroller is trying to manage enrollment tokens');
      return work(transaction, roles);
    });
  }

  /** In a hosted project a ticket grants what its issuer may still grant now. */
  async #mayGrant(transaction: AuthorityTransaction, token: Token, recipient: Identifier, nowSeconds: number): Promise<void> {
    const { mode, identity } = this.#parts;
    if (mode.kind !== 'hosted') return;
    const { attributes, issuedBy, usesLeft, reference } = token;
    const roles = issuedBy === identity.identifier ? HOST_ROLES : rolesOf(mode, await transaction.members.get(issuedBy));
    if (!roles.isEnroller || (makesEnroller(attributes) && !roles.isAdministrator))
      throw forbidden('The issuer of this ticket may not grant it any more');
    const grant = { attributes, roles, useCount: usesLeft, recipient, reference };
    const refusal = reservedRefusal(mode, attributes, roles) ?? (await relayRefusal(mode, transaction, grant, nowSeconds));
    if (refusal !== undefined) throw refusal;
  }

  #newCode() {
    const code = this.#random.bytes(CODE_BYTES);
    const codeHash = codeHashOf(this.#parts.identity.crypto.sha256(code));
    return { code, token: { codeHash, reference: newReference(this.#random) } };
  }
}

const REFERENCE_SIGNS = 'abcdefghijklmnopqrstuvwxyz012345';
const REFERENCE_COUNT = 10;

/** 50 random bits as ten letters and digits. */
function newReference(random: Random): string {
  return [...random.bytes(REFERENCE_COUNT)].map((byte) => REFERENCE_SIGNS[byte % REFERENCE_SIGNS.length]).join('');
}
