import { Listeners } from '../runtime/listeners.ts';
import { errorFields, type Logger, silentLogger } from '../runtime/logger.ts';

/** What the node's authority attests of a subject, as long as it lasts. Immutable: a change is another object. */
export interface SubjectFacts {
  readonly attributes: ReadonlyMap<string, string>;
  /** Seconds since 1970; from this second on nothing is attested. */
  readonly expiresAt: number;
}

/** What is known of subjects: filled by channels when they have verified a credential of the node's authority. */
export interface Subjects {
  /** What was attested last, expired or not; the same object until it changes. Undefined for a subject without a credential. */
  factsOf(identifier: string): SubjectFacts | undefined;
  /** Tells whose facts are other than before, at once. @returns how to unsubscribe */
  onChanged(listener: (identifier: string) => void): () => void;
}

/** Beyond this number the facts that were set first are forgotten. */
const SUBJECTS_MAX = 65_536;

/** Subjects in memory. */
export class MemorySubjects implements Subjects {
  readonly #facts = new Map<string, SubjectFacts>();
  readonly #listeners: Listeners<string>;

  /** @param logger told of listeners that throw */
  constructor(logger: Logger = silentLogger) {
    this.#listeners = new Listeners((thrown) => logger.log('error', 'subjects.listener.failed', errorFields(thrown)));
  }

  /** Replaces what was attested before, whoever attested it. */
  set(identifier: string, facts: SubjectFacts): void {
    this.#facts.delete(identifier);
    this.#facts.set(identifier, facts);
    this.#listeners.tell(identifier);
    for (const oldest of this.#facts.keys()) {
      if (this.#facts.size <= SUBJECTS_MAX) return;
      this.delete(oldest);
    }
  }

  /** As when a credential was revoked. */
  delete(identifier: string): void {
    if (this.#facts.delete(identifier)) this.#listeners.tell(identifier);
  }

  factsOf(identifier: string): SubjectFacts | undefined {
    return this.#facts.get(identifier);
  }

  onChanged(listener: (identifier: string) => void): () => void {
    return this.#listeners.add(listener);
  }
}
