import { rmSync } from 'node:fs';
import type { AnyNode } from '../any-world.ts';
import { SimulationError } from '../errors.ts';
import type { NodeEvent } from '../trace.ts';
import { readStorage } from './file-storage.ts';
import { Life, type LifePlace } from './life.ts';
import type { Beginning } from './orders.ts';

/** What a node needs of its world. */
export interface NodePlace extends LifePlace {
  /** What each of its lives begins with. */
  readonly beginning: Omit<Beginning, 'life'>;
  began(life: number): void;
  ended(life: number, what: 'stopped' | 'crashed', left: NodeEvent['left']): void;
}

/** A node in a process of its own. It is stopped, killed and suspended by its process id. */
export class LoopbackNode<Result = unknown> implements AnyNode<Result> {
  readonly name: string;
  readonly #place: NodePlace;
  #lifeCount = 0;
  #isUp = false;
  #life: Life | undefined;
  /** Resolves when no process of it is left. */
  #before: Promise<void> = Promise.resolve();
  /** Resolves when the process of the latest start was begun. */
  #begun: Promise<Life | undefined> = Promise.resolve(undefined);
  #ready: Promise<Result> = Promise.reject(new Error('not started'));

  constructor(place: NodePlace) {
    this.name = place.beginning.node;
    this.#place = place;
    this.#ready.catch(() => undefined);
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get ready(): Promise<Result> {
    return this.#ready;
  }

  get storage(): ReadonlyMap<string, unknown> {
    return readStorage(this.#place.beginning.storageFile);
  }

  /** Of its process, while it has one. */
  get pid(): number | undefined {
    return this.#life?.pid;
  }

  /** Where it really listens, for others. */
  realPort(port: number): number | undefined {
    const listener = this.#isUp ? this.#life?.listeners.get(port) : undefined;
    return listener?.isLoopback === true ? undefined : listener?.at;
  }

  /** @throws {SimulationError} `WORLD` when it is up */
  start(): void {
    if (this.#isUp) throw new SimulationError('WORLD', `${this.name} is up already.`);
    this.#isUp = true;
    const number = ++this.#lifeCount;
    const begun = this.#before.then(() => {
      if (this.#isUp && this.#lifeCount === number) return this.#begin(number);
      return undefined; // it crashed before it began
    });
    this.#begun = begun;
    this.#ready = begun.then((life) => (life?.ready ?? new Promise(() => undefined)) as Promise<Result>);
    this.#ready.catch(() => undefined); // the world is told as well
  }

  async stop(): Promise<void> {
    if (!this.#isUp) throw new SimulationError('WORLD', `${this.name} is down: start it first.`);
    const life = await this.#begun;
    this.#isUp = false;
    life?.stop();
    await this.#before;
  }

  /** Signal 9: it says no goodbye. Does nothing while it is down. */
  crash({ losesStorage = false }: { readonly losesStorage?: boolean } = {}): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#life?.kill();
    if (losesStorage) this.#before = this.#before.then(() => rmSync(this.#place.beginning.storageFile, { force: true }));
  }

  pause(): void {
    if (this.#isUp) this.#life?.signal('SIGSTOP');
  }

  resume(): void {
    if (this.#isUp) this.#life?.signal('SIGCONT');
  }

  /** Ends its process, whatever it does. Resolves once it is gone. */
  async kill(): Promise<void> {
    this.#isUp = false;
    this.#life?.kill();
    await this.#begun;
    await this.#before;
  }

  #begin(number: number): Life {
    this.#place.began(number);
    const life = new Life({ ...this.#place.beginning, life: number }, this.#place);
    this.#life = life;
    this.#before = life.over.then(() => {
      this.#life = undefined;
      if (this.#lifeCount === number) this.#isUp = false;
      this.#place.ended(number, life.left === undefined ? 'crashed' : 'stopped', life.left);
    });
    return life;
  }
}
