import type { Identifier } from '../../identities/identifier.ts';
import type { Identity } from '../../identities/identity.ts';
import { onlyPeer } from '../../identities/trust.ts';
import { PosternError } from '../../runtime/errors.ts';
import { Listeners } from '../../runtime/listeners.ts';
import { errorFields } from '../../runtime/logger.ts';
import type { Node } from '../../runtime/node.ts';
import type { Route } from '../../runtime/route.ts';
import { type RouteOrWay, toWay, whenThere } from '../../runtime/way.ts';
import { ApiError } from '../api/errors.ts';
import { channelSession } from '../secure-channel/channel-session.ts';
import type { CredentialFacts, RevocationCheck } from '../secure-channel/revocation-check.ts';
import type { Session } from '../session/session.ts';
import { AuthorityClient } from './authority-client.ts';
import { type HeardRepository, MemoryHeardRepository, RevokedList } from './heard-revocations.ts';
import { decodeRevocation } from './revocation-bodies.ts';
import type { RevocationsAnswer } from './revocation-bodies.ts';
import type { Revocation } from './revocations.ts';

/** An authority that does not say within this time what was revoked counts as not connected. Source: decisions.md D6 */
export const CURRENT_WITHIN_MS = 5_000;
/** While it is not connected, whoever asks waits so long: the way may be just coming back. Our choice. */
const HURRY_MS = 1_000;
/** How long an answer may wait for something new; the answer itself gets as long again as a first one. Our choice. */
const HOLD_MS = 20_000;
/** After an answer that does not help. Our choice. */
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 30_000;
/** A clock that was set back by less than this brings no credential back that was revoked. Source: the clock rows of reliability.md */
const KEPT_LONGER_SECONDS = 3_600;

export interface RevocationWatchOptions {
  readonly identity: Identity;
  /** Its history has to be known. */
  readonly authority: Identifier;
  /**
   * To the listener of the authority, last on the route or way: over a connection that carries no relayed traffic, so that nobody's
   * traffic can hold statements up. Without one, only what was kept is known, and nothing is awaited.
   */
  readonly to?: RouteOrWay;
  /** Where what was heard outlives this run. Default: in memory. */
  readonly repository?: HeardRepository;
}

/** `none`: this authority tells nobody, as the original. */
export type WatchState = 'behind' | 'current' | 'none' | 'closed';

/** What a node knows of revoked credentials of its authority. Give it to channels and listeners as `revocations`. */
export interface RevocationWatch extends RevocationCheck {
  readonly state: WatchState;
  /** All up to this number are applied. */
  readonly number: number;
  /** Tells what was new in what was heard, at once; of each statement once. @returns how to unsubscribe */
  onStatement(listener: (revocation: Revocation) => void): () => void;
  close(): Promise<void>;
}

/**
 * Hears what an authority revokes for as long as it is not closed: at each connect what was missed, then each statement as it is
 * made. What was heard is applied and kept before it is acknowledged.
 * @throws what the repository throws
 * Source: decisions.md D6
 */
export async function revocationWatch(node: Node, options: RevocationWatchOptions): Promise<RevocationWatch> {
  const repository = options.repository ?? new MemoryHeardRepository();
  const { number, revocations } = await repository.heard(options.authority);
  return new Watch(node, options, repository, number, revocations);
}

class Watch implements RevocationWatch {
  readonly #node: Node;
  readonly #options: RevocationWatchOptions;
  readonly #repository: HeardRepository;
  readonly #list: RevokedList;
  readonly #revoked: Listeners<void>;
  readonly #statements: Listeners<Revocation>;
  readonly #closing = new AbortController();
  readonly #session: Session | undefined;
  readonly #unsubscribe: (() => void) | undefined;
  readonly #waiting = new Set<() => void>();
  /** Since the way to the authority is there, or since the start. */
  #reachedAtMs: number;
  #number: number;
  #state: WatchState = 'behind';

  constructor(node: Node, options: RevocationWatchOptions, repository: HeardRepository, number: number, kept: readonly Revocation[]) {
    this.#node = node;
    this.#options = options;
    this.#repository = repository;
    this.#number = number;
    this.#list = new RevokedList(options.authority);
    for (const each of kept) this.#list.add(each);
    const failed = (thrown: unknown) => node.logger.log('error', 'revocations.listener.failed', errorFields(thrown));
    this.#revoked = new Listeners(failed);
    this.#statements = new Listeners(failed);
    this.#reachedAtMs = node.clock.monotonicMs();
    if (options.to === undefined) return;
    this.#session = channelSession(node, options.to, {
      name: 'revocations',
      identity: options.identity,
      trust: onlyPeer(options.authority),
      isNeeded: true,
    });
    this.#unsubscribe = toWay(options.to).onChange(() => (this.#reachedAtMs = node.clock.monotonicMs()));
    void this.#follow(this.#session);
  }

  get state(): WatchState {
    return this.#state;
  }

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
    if (this.#session === undefined || this.#state !== 'behind') return Promise.resolve();
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

  async close(): Promise<void> {
    this.#closing.abort(new Error('Revocations are not watched any more.'));
    this.#enter('closed');
    this.#unsubscribe?.();
    await this.#session?.close();
  }

  /** For as long as it is not closed: one channel after the other. */
  async #follow(session: Session): Promise<void> {
    const { signal } = this.#closing;
    let failures = 0;
    const isOver = () => signal.aborted || session.state === 'stopped';
    while (!isOver()) {
      try {
        await this.#listen(session, await whenThere(session, signal));
        failures = 0;
      } catch (thrown) {
        if (isOver()) return;
        this.#node.logger.log('warn', 'revocations.unheard', errorFields(thrown));
        failures += 1;
      }
      if (isOver()) return;
      this.#enter('behind');
      if (failures > 0) await this.#pause(Math.min(RETRY_MS * 2 ** (failures - 1), RETRY_MS_MAX), session);
    }
  }

  /** Until that channel is gone. */
  async #listen(session: Session, channel: Route): Promise<void> {
    this.#reachedAtMs = this.#node.clock.monotonicMs();
    const gone = new AbortController();
    const unsubscribe = session.onChange(() => {
      if (session.current !== channel) gone.abort(new Error('The channel to the authority has ended.'));
    });
    const signal = AbortSignal.any([gone.signal, this.#closing.signal]);
    try {
      for (let waitMs = 0; session.current === channel && !signal.aborted; ) {
        const client = new AuthorityClient(this.#node, channel, { timeoutMs: waitMs + CURRENT_WITHIN_MS, signal });
        const answer = await client.revocations({ after: this.#number, waitMs });
        const isWhole = await this.#apply(answer);
        if (isWhole && this.#state === 'behind') this.#enter('current');
        // What was just applied is acknowledged by the next request, which therefore goes out at once.
        waitMs = isWhole ? HOLD_MS : 0;
      }
    } catch (thrown) {
      if (!signal.aborted && isUnknownPath(thrown)) {
        this.#enter('none');
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      } else if (!signal.aborted) throw thrown;
    } finally {
      unsubscribe();
    }
  }

  /** @returns whether all is known now. @throws {PosternError} when one of the statements does not hold: the others are applied */
  async #apply({ statements, upTo, hasMore }: RevocationsAnswer): Promise<boolean> {
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
    return !hasMore && number === upTo;
  }

  async #keep(number: number, revocations: readonly Revocation[]): Promise<void> {
    const forgetBefore = this.#node.clock.wallSeconds() - KEPT_LONGER_SECONDS;
    await this.#repository.keep(this.#options.authority, { number, revocations });
    await this.#repository.forget(forgetBefore);
    this.#list.forget(forgetBefore);
    this.#number = number;
  }

  #enter(state: WatchState): void {
    if (this.#state === 'closed') return;
    this.#state = state;
    if (state !== 'behind') for (const done of [...this.#waiting]) done();
  }

  /** Ends early with another channel. */
  #pause(ms: number, session: Session): Promise<void> {
    return new Promise((resolve) => {
      const undo: (() => void)[] = [];
      const done = () => {
        for (const each of undo.splice(0)) each();
        resolve();
      };
      const timer = this.#node.clock.setTimer(ms, done);
      this.#closing.signal.addEventListener('abort', done, { once: true });
      undo.push(
        () => timer.cancel(),
        session.onChange(done),
        () => this.#closing.signal.removeEventListener('abort', done),
      );
    });
  }
}

/** Source: decisions.md D6: an original answers so, which means that nothing is revoked */
function isUnknownPath(thrown: unknown): boolean {
  return thrown instanceof ApiError && thrown.refusal?.status === 400 && thrown.refusal.error.message?.toLowerCase() === 'unknown path';
}
