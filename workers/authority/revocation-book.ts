import type { Identifier } from '../../identities/identifier.ts';
import type { Identity } from '../../identities/identity.ts';
import { PosternError } from '../../runtime/errors.ts';
import { Listeners } from '../../runtime/listeners.ts';
import { errorFields } from '../../runtime/logger.ts';
import type { Node } from '../../runtime/node.ts';
import type { CredentialFacts, RevocationCheck } from '../secure-channel/revocation-check.ts';
import { type Heard, type HeardRepository, RevokedList } from './heard-revocations.ts';
import { decodeRevocation, type RevocationsAnswer } from './revocation-bodies.ts';
import type { Revocation } from './revocations.ts';

/** An authority that does not say within this time what was revoked counts as not connected. Source: decisions.md D6 */
export const CURRENT_WITHIN_MS = 5_000;
/** While it is not connected, whoever asks waits so long: the way may be just coming back. Our choice. */
const HURRY_MS = 1_000;
/** A clock that was set back by less than this brings no credential back that was revoked. Source: the clock rows of reliability.md */
const KEPT_LONGER_SECONDS = 3_600;

/** `none`: this authority tells nobody, as the original. */
export type WatchState = 'behind' | 'current' | 'none' | 'closed';

export interface RevocationBookOptions {
  /** Who verifies statements: the history of the authority has to be known to it. */
  readonly identity: Identity;
  readonly authority: Identifier;
  readonly repository: HeardRepository;
}

/** What a node has heard of one authority, and how far that goes. Whoever asks the authority enters the answers. */
export class RevocationBook implements RevocationCheck {
  readonly #node: Node;
  readonly #options: RevocationBookOptions;
  readonly #list: RevokedList;
  readonly #revoked: Listeners<void>;
  readonly #statements: Listeners<Revocation>;
  readonly #waiting = new Set<() => void>();
  /** Since the way to the authority is there, or since the start. */
  #reachedAtMs: number;
  #number: number;
  #state: WatchState = 'behind';

  constructor(node: Node, options: RevocationBookOptions, { number, revocations }: Heard) {
    this.#node = node;
    this.#options = options;
    this.#number = number;
    this.#list = new RevokedList(options.authority);
    for (const each of revocations) this.#list.add(each);
    const failed = (thrown: unknown) => node.logger.log('error', 'revocations.listener.failed', errorFields(thrown));
    this.#revoked = new Listeners(failed);
    this.#statements = new Listeners(failed);
    this.#reachedAtMs = node.clock.monotonicMs();
  }

  get state(): WatchState {
    return this.#state;
  }

  /** All up to this number are applied. */
  get number(): number {
    return this.#number;
  }

  isRevoked(credential: CredentialFacts): boolean {
    return this.#list.has(credential);
  }

  onRevoked(listener: () => void): () => void {
    return this.#revoked.add(listener);
  }

  onStatement(listener: (revocation: Revocation) => void): () => void {
    return this.#statements.add(listener);
  }

  whenCurrent(): Promise<void> {
    if (this.#state !== 'behind') return Promise.resolve();
    const nowMs = this.#node.clock.monotonicMs();
    const waitMs = Math.max(this.#reachedAtMs + CURRENT_WITHIN_MS - nowMs, HURRY_MS);
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        this.#waiting.delete(done);
        resolve();
      };
      const timer = this.#node.clock.setTimer(waitMs, done);
      this.#waiting.add(done);
    });
  }

  /** The way to the authority has appeared: it has `CURRENT_WITHIN_MS` from now. */
  reached(): void {
    this.#reachedAtMs = this.#node.clock.monotonicMs();
  }

  enter(state: WatchState): void {
    if (this.#state === 'closed') return;
    this.#state = state;
    if (state !== 'behind') for (const done of [...this.#waiting]) done();
  }

  /**
   * Applies what the authority said, then keeps it: it is acknowledged by asking for what came after `number`.
   * @returns whether all is known now
   * @throws {PosternError} when one of the statements does not hold: the others are applied; and what the repository throws
   */
  async apply({ statements, upTo, hasMore }: RevocationsAnswer): Promise<boolean> {
    const { identity, authority } = this.#options;
    const heard: Revocation[] = [];
    let refused: PosternError | undefined;
    for (const bytes of statements) {
      try {
        const revocation = decodeRevocation(await identity.verifyStatement('revocation', bytes, authority));
        if (revocation !== undefined) heard.push(revocation);
      } catch (thrown) {
        if (!(thrown instanceof PosternError)) throw thrown;
        refused = thrown as PosternError;
      }
    }
    const added = heard.filter((each) => this.#list.add(each));
    if (added.length > 0) this.#revoked.tell();
    for (const each of added) this.#statements.tell(each);
    // It comes again, and is not acknowledged.
    if (refused !== undefined) throw refused;
    // An authority that lost its numbers gives them anew: ask from the beginning.
    const number = upTo < this.#number ? 0 : upTo;
    if (number !== this.#number) await this.#keep(number, heard);
    const isWhole = !hasMore && number === upTo;
    if (isWhole && this.#state === 'behind') this.enter('current');
    return isWhole;
  }

  async #keep(number: number, revocations: readonly Revocation[]): Promise<void> {
    const { repository, authority } = this.#options;
    const forgetBefore = this.#node.clock.wallSeconds() - KEPT_LONGER_SECONDS;
    await repository.keep(authority, { number, revocations });
    await repository.forget(forgetBefore);
    this.#list.forget(forgetBefore);
    this.#number = number;
  }
}
