/** Who wants to know of something. A listener that throws harms neither the others nor what it was told about. */
export class Listeners<Event> {
  readonly #all = new Set<{ readonly listener: (event: Event) => void }>();
  readonly #onThrown: (thrown: unknown) => void;

  constructor(onThrown: (thrown: unknown) => void) {
    this.#onThrown = onThrown;
  }

  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  /** The same function added twice is told twice. @returns how to end this one subscription; calling it again does nothing */
  add(listener: (event: Event) => void): () => void {
    const subscription = { listener };
    this.#all.add(subscription);
    return () => void this.#all.delete(subscription);
  }

  tell(event: Event): void {
    for (const { listener } of this.#all) {
      try {
        listener(event);
      } catch (thrown) {
        this.#onThrown(thrown);
      }
    }
  }
}
