import type { Identifier } from '../../identities/identifier.ts';
import type { Identity } from '../../identities/identity.ts';
import { allowNobody } from '../../runtime/access-control.ts';
import type { Address } from '../../runtime/address.ts';
import { errorFields } from '../../runtime/logger.ts';
import type { Node } from '../../runtime/node.ts';
import type { Authority } from './authority.ts';
import { MemoryHeardRepository } from './heard-revocations.ts';
import { RevocationBook } from './revocation-book.ts';
import type { RevocationWatch } from './revocation-watch.ts';

/** How long an answer waits for something new: well within the time after which a node counts as gone. Our choice. */
const HOLD_MS = 20_000;
/** After a failure of the store. Our choice. */
const RETRY_MS = 1_000;

export interface NextDoorOptions {
  /** Of the node that hears: one of the authority's `listeners`. */
  readonly identity: Identity;
  readonly authority: Pick<Authority, 'identifier' | 'revocations'>;
  /** The authority's node. */
  readonly at: Node;
}

/**
 * As `revocationWatch`, for a node in the process of the authority: it asks without a channel, and nothing is kept, as the authority's
 * store has it all. It acknowledges as the others do. Close it before the authority.
 * Source: decisions.md D6, D8
 */
export function revocationsNextDoor(node: Node, { identity, authority, at }: NextDoorOptions): RevocationWatch {
  const { identifier } = authority;
  const book = new RevocationBook(
    node,
    { identity, authority: identifier, repository: new MemoryHeardRepository() },
    { number: 0, revocations: [] },
  );
  // Stands for the channel by which others ask: as long as it is there, this node counts as connected.
  const place = at.start(at.newAddress(), { onMessage: () => undefined }, { incoming: allowNobody, outgoing: allowNobody });
  const closing = new AbortController();
  void follow(node, { asker: identity.identifier, authority, place, book, signal: closing.signal });
  const close = async () => {
    closing.abort();
    book.enter('closed');
    await at.stopWorker(place).catch(() => undefined);
  };
  const forget = at.onStop(() => void close());
  return {
    get state() {
      return book.state;
    },
    get number() {
      return book.number;
    },
    isRevoked: (credential) => book.isRevoked(credential),
    onRevoked: (listener) => book.onRevoked(listener),
    onStatement: (listener) => book.onStatement(listener),
    whenCurrent: () => book.whenCurrent(),
    close: () => {
      forget();
      return close();
    },
  };
}

interface Following {
  readonly asker: Identifier;
  readonly authority: Pick<Authority, 'revocations'>;
  readonly place: Address;
  readonly book: RevocationBook;
  readonly signal: AbortSignal;
}

async function follow(node: Node, { asker, authority, place, book, signal }: Following): Promise<void> {
  let waitMs = 0;
  const isOver = () => signal.aborted;
  while (!isOver()) {
    try {
      const isWhole = await book.apply(await authority.revocations.after(asker, place, { after: book.number, waitMs }));
      // What was just applied is acknowledged by the next request, which therefore goes out at once.
      waitMs = isWhole ? HOLD_MS : 0;
    } catch (thrown) {
      if (isOver()) return;
      node.logger.log('warn', 'revocations.unheard', errorFields(thrown));
      book.enter('behind');
      waitMs = 0;
      await pause(node, signal);
    }
  }
}

function pause({ clock }: Node, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.setTimer(RETRY_MS, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
