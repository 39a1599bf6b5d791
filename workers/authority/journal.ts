/** Remembers how to take back what one transaction changed in maps. */
export class Journal {
  readonly #undo: (() => void)[] = [];

  set<Key, Value>(rows: Map<Key, Value>, key: Key, value: Value): void {
    this.#remember(rows, key);
    rows.set(key, value);
  }

  /** @returns whether there was such a row */
  delete<Key, Value>(rows: Map<Key, Value>, key: Key): boolean {
    this.#remember(rows, key);
    return rows.delete(key);
  }

  /** What was done stays. */
  commit(): void {
    this.#undo.length = 0;
  }

  /** All is as it was at the last commit. */
  rollBack(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }

  #remember<Key, Value>(rows: Map<Key, Value>, key: Key): void {
    const before = rows.get(key);
    const isThere = rows.has(key);
    this.#undo.push(() => {
      if (isThere) rows.set(key, before as Value);
      else rows.delete(key);
    });
  }
}
