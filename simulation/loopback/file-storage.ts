import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { SimulationError } from '../errors.ts';

/** A node's storage on the disk: each change is in the file before it returns, whole or not at all, so that it outlives signal 9. */
export class FileStorage extends Map<string, unknown> {
  readonly #file: string;
  readonly #onStored: () => void;

  constructor(file: string, onStored: () => void) {
    super();
    this.#file = file;
    this.#onStored = onStored;
    for (const [key, value] of readStorage(file)) super.set(key, value);
  }

  override set(key: string, value: unknown): this {
    super.set(key, value);
    this.#write();
    return this;
  }

  override delete(key: string): boolean {
    const isThere = super.delete(key);
    if (isThere) this.#write();
    return isThere;
  }

  override clear(): void {
    super.clear();
    this.#write();
  }

  #write(): void {
    writeFileSync(`${this.#file}.new`, bytesOf(this));
    renameSync(`${this.#file}.new`, this.#file);
    this.#onStored();
  }
}

/** What is in such a file now; nothing when there is none. */
export function readStorage(file: string): Map<string, unknown> {
  return new Map(existsSync(file) ? (deserialize(readFileSync(file)) as [string, unknown][]) : []);
}

function bytesOf(storage: ReadonlyMap<string, unknown>): Uint8Array {
  try {
    return serialize([...storage]);
  } catch (cause) {
    throw new SimulationError(
      'NOT_ON_LOOPBACK',
      'What is stored on a disk is data: numbers, texts, bytes, lists, maps, plain objects. This value holds something else, such as a function.',
      { cause },
    );
  }
}
