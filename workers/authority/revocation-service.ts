import { equalBytes } from '../../identities/bytes.ts';
import type { Identifier } from '../../identities/identifier.ts';
import type { Address } from '../../runtime/address.ts';
import type { Node } from '../../runtime/node.ts';
import { badRequest, forbidden, Refusal } from '../api/errors.ts';
import { type AuthorityParts, type Caller, RoleBook } from './membership.ts';
import { encodeRevocation, type Receipt, type RevocationsAnswer, type RevocationsRequest } from './revocation-bodies.ts';
import type { Revocation, Revoked } from './revocations.ts';
import type { RevocationRules } from './revoking.ts';
import { rolesOf } from './roles.ts';
import type { AuthorityTransaction } from './store.ts';

/** How long an answer waits for something new, at most: well below any time after which a silent connection is given up. Our choice. */
export const HOLD_MS_MAX = 25_000;
/** Statements in one answer: it stays below the size of an ordinary frame. Our choice. */
const STATEMENTS_MAX = 256;
/** Signed statements that are kept to be served again. Our choice. */
const SIGNED_MAX = 4_096;
/** A node that asked so recently counts as connected: it asks again within the time that an answer waits. Our choice. */
const CONNECTED_SECONDS = 45;
/** How often it is noted that a node is still there; a note is a write. */
const NOTE_SECONDS = 15;
/** How long a call that revokes waits for nodes to acknowledge. Source: decisions.md D6 */
export const RECEIPT_WAIT_MS = 1_000;
/** How often it is looked whether they have, at other processes of this authority. Our choice. */
const RECEIPT_LOOK_MS = 100;

/** A connected node: the channel by which it asks. */
interface Watcher {
  readonly caller: Identifier;
  /** It has applied all up to this number. */
  applied: number;
  /** Its channel has ended. */
  isGone: boolean;
  /** Its request that waits. */
  held: { readonly answer: () => void } | undefined;
}

/**
 * Tells nodes what was revoked, as soon as it is, and keeps book of who has applied it. A node asks what came after the last
 * number it has applied, and thereby acknowledges that; the answer waits until there is something. Source: decisions.md D6
 */
export class RevocationService {
  readonly #parts: AuthorityParts;
  readonly #node: Node;
  readonly #rules: RevocationRules;
  readonly #book: RoleBook;
  readonly #listeners: ReadonlySet<Identifier>;
  readonly #watchers = new Map<string, Watcher>();
  readonly #noted = new Map<Identifier, { readonly number: number; readonly at: number }>();
  readonly #signed = new Map<number, Uint8Array>();
  #signedUnder: Uint8Array | undefined;
  /** Nodes that wait for the same are answered from one look into the store. */
  readonly #reading = new Map<number, Promise<RevocationsAnswer>>();
  /** How many times something was added. */
  #added = 0;
  readonly #unsubscribe: () => void;

  /** @param listeners who hears of revocations without ever having been a member: the project's own node */
  constructor(node: Node, parts: AuthorityParts, rules: RevocationRules, listeners: readonly Identifier[]) {
    this.#node = node;
    this.#parts = parts;
    this.#rules = rules;
    this.#book = new RoleBook(parts);
    this.#listeners = new Set(listeners);
    this.#unsubscribe = parts.store.onRevocation(() => this.#answerHeld());
  }

  /**
   * What came after a number, signed; waits for it when there is nothing and that is asked. Whoever was issued a credential may
   * ask, also after it was removed: it learns that its own is void.
   * @param through the channel by which the caller asks: it counts as connected as long as that is there
   * @throws {Refusal}
   */
  async after(caller: Identifier, through: Address, { after, waitMs }: RevocationsRequest): Promise<RevocationsAnswer> {
    const holdsProjectAdmin = await this.#book.holdsProjectAdmin(caller);
    const addedBefore = this.#added;
    const applied = this.#appliedByAll(caller, through, after);
    const at = this.#parts.clock.wallSeconds();
    const first = await this.#page(after, async (transaction) => {
      const mayAsk =
        holdsProjectAdmin ||
        this.#listeners.has(caller) ||
        (await transaction.members.get(caller)) !== undefined ||
        (await transaction.revocations.newestIssued(caller)) > 0;
      if (!mayAsk) throw forbidden('unauthorized member');
      if (this.#isNoted(caller, applied, at)) return;
      // A number beyond those that were given comes from a store that was lost.
      const number = Math.min(applied, await transaction.revocations.lastNumber());
      await transaction.revocations.acknowledge({ node: caller, number, at });
    });
    if (!this.#isNoted(caller, applied, at)) this.#noted.set(caller, { number: applied, at });
    const watcher = this.#watcherOf(caller, through);
    watcher.applied = after;
    if (first.statements.length > 0 || first.upTo !== after || waitMs === 0) return first;
    // What was added since the store was asked has found nobody waiting.
    if (this.#added === addedBefore) await this.#hold(watcher, Math.min(waitMs, HOLD_MS_MAX));
    return this.#sharedPage(after);
  }

  /**
   * Voids what was issued so far to somebody, one credential, or everything this authority has issued.
   * @returns how far it has come, once every connected node has applied it, or after 1 s
   * @throws {Refusal}
   */
  async revoke(caller: Caller, revoked: Revoked): Promise<Receipt> {
    const { identity, mode, store } = this.#parts;
    const asksAsAdmin = await this.#book.holdsProjectAdmin(caller);
    const isAdmin = revoked.kind === 'subject' && (await this.#book.holdsProjectAdmin(revoked.identifier));
    if (revoked.kind === 'issuer' && revoked.identifier !== identity.identifier)
      throw badRequest('An authority voids only credentials that it has issued itself');
    const { number } = await store.transact(async (transaction) => {
      const roles = await this.#book.roles(transaction, caller, asksAsAdmin);
      if (!roles.isEnroller) throw forbidden('Non-enroller is trying to revoke credentials');
      const target = revoked.kind === 'subject' ? await transaction.members.get(revoked.identifier) : undefined;
      const isAboveEnrollers = revoked.kind !== 'subject' || rolesOf(mode, target, isAdmin).isEnroller || target?.isPreTrusted === true;
      if (isAboveEnrollers && !roles.isAdministrator) throw forbidden('Not admin is trying to revoke credentials of more than a member');
      return this.#rules.revoke(transaction, revoked);
    });
    return this.#receiptSoon(number);
  }

  /** How far a revocation has come. @throws {Refusal} 404 when there is none of that number, or none any more */
  async receipt(caller: Caller, number: number): Promise<Receipt> {
    const asksAsAdmin = await this.#book.holdsProjectAdmin(caller);
    return this.#parts.store.transact(async (transaction) => {
      if (!(await this.#book.roles(transaction, caller, asksAsAdmin)).isEnroller)
        throw forbidden('Non-enroller is trying to read a receipt');
      return this.#receiptIn(transaction, number);
    });
  }

  /** As `receipt` of what was just revoked by somebody who may, once nobody is awaited any more, or after 1 s. */
  async #receiptSoon(number: number): Promise<Receipt> {
    const { clock, store } = this.#parts;
    const untilMs = clock.monotonicMs() + RECEIPT_WAIT_MS;
    for (;;) {
      const receipt = await store.transact((transaction) => this.#receiptIn(transaction, number));
      if (receipt.waiting.length === 0 || clock.monotonicMs() >= untilMs) return receipt;
      await new Promise<void>((resolve) => void clock.setTimer(RECEIPT_LOOK_MS, resolve));
    }
  }

  /** @param number of a statement that a removal has made; undefined for none */
  async receiptOfRemoval(number: number | undefined): Promise<Receipt | undefined> {
    return number === undefined ? undefined : this.#receiptSoon(number);
  }

  close(): void {
    this.#unsubscribe();
    this.#answerHeld();
  }

  async #receiptIn(transaction: AuthorityTransaction, number: number): Promise<Receipt> {
    const { members, revocations } = transaction;
    const [statement] = await revocations.after(number - 1, 1);
    if (statement?.number !== number) throw new Refusal(404, `There is no revocation ${number}, or all that it voids has expired`);
    const connectedSince = this.#parts.clock.wallSeconds() - CONNECTED_SECONDS;
    const acknowledged: Identifier[] = [];
    const waiting: { node: Identifier; heardAt: number }[] = [];
    for (const acknowledgement of await revocations.acknowledgements()) {
      const { node, at } = acknowledgement;
      if (acknowledgement.number >= number) acknowledged.push(node);
      // Whoever is no member any more guards nothing.
      else if (at >= connectedSince && (this.#listeners.has(node) || (await members.get(node)) !== undefined))
        waiting.push({ node, heardAt: at });
    }
    return { number, revoked: statement.revoked, notAfter: statement.notAfter, acknowledged, waiting };
  }

  async #page(after: number, before?: (transaction: AuthorityTransaction) => Promise<void>): Promise<RevocationsAnswer> {
    const { rows, last } = await this.#parts.store.transact(async (transaction) => {
      await before?.(transaction);
      const { revocations } = transaction;
      return { rows: await revocations.after(after, STATEMENTS_MAX), last: await revocations.lastNumber() };
    });
    const statements: Uint8Array[] = [];
    for (const row of rows) statements.push(await this.#sign(row));
    const hasMore = rows.length === STATEMENTS_MAX;
    return { statements, upTo: hasMore ? (rows.at(-1)?.number ?? last) : last, hasMore };
  }

  #sharedPage(after: number): Promise<RevocationsAnswer> {
    const reading = this.#reading.get(after);
    if (reading !== undefined) return reading;
    const page = this.#page(after).finally(() => {
      if (this.#reading.get(after) === page) this.#reading.delete(after);
    });
    this.#reading.set(after, page);
    return page;
  }

  /** Each is signed once, as long as the key of the identity is the same. */
  async #sign(revocation: Revocation): Promise<Uint8Array> {
    const { identity } = this.#parts;
    const { hash } = (await identity.history()).latest;
    if (this.#signedUnder === undefined || !equalBytes(hash, this.#signedUnder)) this.#signed.clear();
    this.#signedUnder = hash;
    const signed =
      this.#signed.get(revocation.number) ??
      (await identity.signStatement('revocation', encodeRevocation(revocation), revocation.keptUntil));
    this.#signed.set(revocation.number, signed);
    for (const oldest of this.#signed.keys()) {
      if (this.#signed.size <= SIGNED_MAX) break;
      this.#signed.delete(oldest);
    }
    return signed;
  }

  #watcherOf(caller: Identifier, through: Address): Watcher {
    const known = this.#watchers.get(through.key);
    if (known !== undefined) return known;
    const watcher: Watcher = { caller, applied: 0, isGone: false, held: undefined };
    this.#watchers.set(through.key, watcher);
    this.#node.watch(through, () => {
      this.#watchers.delete(through.key);
      this.#noted.delete(caller);
      watcher.isGone = true;
      watcher.held?.answer();
    });
    return watcher;
  }

  /** Several nodes may have one identity: what all of them have applied counts. */
  #appliedByAll(caller: Identifier, through: Address, after: number): number {
    let number = after;
    for (const [key, watcher] of this.#watchers)
      if (watcher.caller === caller && key !== through.key) number = Math.min(number, watcher.applied);
    return number;
  }

  /** A note is a write: none is made when it would say nothing new. */
  #isNoted(caller: Identifier, number: number, at: number): boolean {
    const noted = this.#noted.get(caller);
    return noted?.number === number && at >= noted.at && at - noted.at < NOTE_SECONDS;
  }

  /** Waits until something is new, so long, or until the same channel asks again. */
  #hold(watcher: Watcher, waitMs: number): Promise<void> {
    watcher.held?.answer();
    if (watcher.isGone) return Promise.resolve(); // Its channel is gone already.
    return new Promise((resolve) => {
      const held = {
        answer: () => {
          timer.cancel();
          if (watcher.held === held) watcher.held = undefined;
          resolve();
        },
      };
      watcher.held = held;
      const timer = this.#parts.clock.setTimer(waitMs, held.answer);
    });
  }

  #answerHeld(): void {
    this.#added += 1;
    this.#reading.clear();
    for (const { held } of this.#watchers.values()) held?.answer();
  }
}
