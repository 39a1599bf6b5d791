import type { Identifier } from '../identities/identifier.ts';
import type { Identity } from '../identities/identity.ts';
import { ApiError } from '../workers/api/errors.ts';
import type { CredentialRetriever } from '../workers/authority/credential-retriever.ts';
import type { CredentialSource } from '../workers/secure-channel/credential-source.ts';

/** A retriever with the way that it asks by. */
export interface OpenedRetriever {
  readonly retriever: CredentialRetriever;
  close(): Promise<void>;
}

/**
 * What other identities of a home present at a node: each its own credential, which is looked for when one of its channels first needs
 * it. One that the authority does not know presents nothing.
 */
export class OtherCredentials {
  readonly #open: (identity: Identity) => Promise<OpenedRetriever>;
  readonly #opened = new Map<Identifier, Promise<OpenedRetriever>>();
  #isClosed = false;

  constructor(open: (identity: Identity) => Promise<OpenedRetriever>) {
    this.#open = open;
  }

  of(identity: Identity): CredentialSource {
    return {
      retrieve: async () => {
        const { retriever } = await this.#openedFor(identity);
        return retriever.retrieve().catch((thrown: unknown) => {
          if (thrown instanceof ApiError && thrown.code === 'API_REFUSED') return undefined;
          throw thrown;
        });
      },
      subscribe: (onNewer) => {
        let undo: (() => void) | undefined;
        let isOver = false;
        void this.#openedFor(identity).then(
          ({ retriever }) => {
            if (!isOver) undo = retriever.subscribe(onNewer);
          },
          () => undefined,
        );
        return () => {
          isOver = true;
          undo?.();
        };
      },
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const opened = await Promise.allSettled(this.#opened.values());
    for (const each of opened) if (each.status === 'fulfilled') await each.value.close();
  }

  #openedFor(identity: Identity): Promise<OpenedRetriever> {
    const { identifier } = identity;
    const known = this.#opened.get(identifier);
    if (known !== undefined) return known;
    if (this.#isClosed) return Promise.reject(new Error('The node is closing.'));
    const opened = this.#open(identity);
    this.#opened.set(identifier, opened);
    // It may go better the next time.
    opened.catch(() => this.#opened.delete(identifier));
    return opened;
  }
}
