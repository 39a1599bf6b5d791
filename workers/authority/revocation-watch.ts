import type { Identifier } from '../../identities/identifier.ts';
import type { Identity } from '../../identities/identity.ts';
import { onlyPeer } from '../../identities/trust.ts';
import { errorFields } from '../../runtime/logger.ts';
import type { Node } from '../../runtime/node.ts';
import type { Route } from '../../runtime/route.ts';
import { type RouteOrWay, toWay, whenThere } from '../../runtime/way.ts';
import { ApiError } from '../api/errors.ts';
import { channelSession } from '../secure-channel/channel-session.ts';
import type { CredentialFacts, RevocationCheck } from '../secure-channel/revocation-check.ts';
import type { Session } from '../session/session.ts';
import { AuthorityClient } from './authority-client.ts';
import { type HeardRepository, MemoryHeardRepository } from './heard-revocations.ts';
import { CURRENT_WITHIN_MS, RevocationBook, type WatchState } from './revocation-book.ts';
import type { Revocation } from './revocations.ts';

/** How long an answer may wait for something new; the answer itself gets as long again as a first one. Our choice. */
const HOLD_MS = 20_000;
/** After an answer that does not help. Our choice. */
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 30_000;

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
  const { identity, authority } = options;
  const book = new RevocationBook(node, { identity, authority, repository }, await repository.heard(authority));
  return new Watch(node, options, book);
}

class Watch implements RevocationWatch {
  readonly #node: Node;
  readonly #book: RevocationBook;
  readonly #closing = new AbortController();
  readonly #session: Session | undefined;
  readonly #unsubscribe: (() => void) | undefined;

  constructor(node: Node, { to, identity, authority }: RevocationWatchOptions, book: RevocationBook) {
    this.#node = node;
    this.#book = book;
    if (to === undefined) return;
    this.#session = channelSession(node, to, { name: 'revocations', identity, trust: onlyPeer(authority), isNeeded: true });
    this.#unsubscribe = toWay(to).onChange(() => book.reached());
    void this.#follow(this.#session);
  }

  get state(): WatchState {
    return this.#book.state;
  }

  get number(): number {
    return this.#book.number;
  }

  isRevoked(credential: CredentialFacts): boolean {
    return this.#book.isRevoked(credential);
  }

  onRevoked(listener: () => void): () => void {
    return this.#book.onRevoked(listener);
  }

  onStatement(listener: (revocation: Revocation) => void): () => void {
    return this.#book.onStatement(listener);
  }

  whenCurrent(): Promise<void> {
    return this.#session === undefined ? Promise.resolve() : this.#book.whenCurrent();
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('Revocations are not watched any more.'));
    this.#book.enter('closed');
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
      this.#book.enter('behind');
      if (failures > 0) await this.#pause(Math.min(RETRY_MS * 2 ** (failures - 1), RETRY_MS_MAX), session);
    }
  }

  /** Until that channel is gone. */
  async #listen(session: Session, channel: Route): Promise<void> {
    this.#book.reached();
    const gone = new AbortController();
    const unsubscribe = session.onChange(() => {
      if (session.current !== channel) gone.abort(new Error('The channel to the authority has ended.'));
    });
    const signal = AbortSignal.any([gone.signal, this.#closing.signal]);
    try {
      for (let waitMs = 0; session.current === channel && !signal.aborted; ) {
        const client = new AuthorityClient(this.#node, channel, { timeoutMs: waitMs + CURRENT_WITHIN_MS, signal });
        const isWhole = await this.#book.apply(await client.revocations({ after: this.#book.number, waitMs }));
        // What was just applied is acknowledged by the next request, which therefore goes out at once.
        waitMs = isWhole ? HOLD_MS : 0;
      }
    } catch (thrown) {
      if (!signal.aborted && isUnknownPath(thrown)) {
        this.#book.enter('none');
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      } else if (!signal.aborted) throw thrown;
    } finally {
      unsubscribe();
    }
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
