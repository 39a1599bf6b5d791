import type { Timer } from '../runtime/clock.ts';
import { PosternError } from '../runtime/errors.ts';
import { errorFields } from '../runtime/logger.ts';
import type { Node } from '../runtime/node.ts';
import { ManagerError } from './errors.ts';
import type { Outage } from './outage.ts';
import type { ResourceKind, ResourceRepository, Settings } from './ports.ts';

/** What could not be restored is tried again after so long, as when its port is taken. Our choice, that of sessions of the original. */
const RESTORE_AGAIN_MS = 5_000;

/** A resource that was begun. */
export interface Running<Status> {
  readonly status: Status;
  /** Of what it leads to; undefined where that is not looked at. */
  readonly outage?: Outage;
  close(): Promise<void>;
}

export interface ResourceKindOptions<Options extends { readonly name: string }, Status> {
  readonly kind: ResourceKind;
  /** @param downSinceMs since when it could not be begun, on the monotonic clock */
  readonly begin: (options: Options, downSinceMs?: number) => Promise<Running<Status>>;
  /** How one that could not be restored yet shows. */
  readonly statusOfFailed: (options: Options, lastError: string) => Status;
  /** What is kept, as JSON. */
  readonly toSettings: (options: Options) => Settings;
  /** @throws when it is not what `toSettings` gave */
  readonly fromSettings: (name: string, settings: Settings) => Options;
}

interface Held<Options, Status> {
  readonly options: Options;
  running: Running<Status> | undefined;
  lastError: string;
  timer: Timer | undefined;
  /** Since it is to be there. */
  readonly sinceMs: number;
}

/** The resources of one kind, by name: written down when they were begun, begun again at each start until they are deleted. */
export class Resources<Options extends { readonly name: string }, Status> {
  readonly #node: Node;
  readonly #repository: ResourceRepository;
  readonly #kind: ResourceKindOptions<Options, Status>;
  readonly #held = new Map<string, Held<Options, Status>>();
  /** Names of those that are being made. */
  readonly #reserved = new Set<string>();
  #isClosed = false;

  constructor(node: Node, repository: ResourceRepository, kind: ResourceKindOptions<Options, Status>) {
    this.#node = node;
    this.#repository = repository;
    this.#kind = kind;
  }

  has(name: string): boolean {
    return this.#held.has(name) || this.#reserved.has(name);
  }

  /**
   * Begins it and writes it down. Where it leads need not be up.
   * @throws {ManagerError} `NAME_TAKEN`; and what beginning it throws: then nothing is left
   */
  async create(options: Options): Promise<Status> {
    const { name } = options;
    if (this.has(name))
      throw new ManagerError(
        'NAME_TAKEN',
        `There is a ${this.#kind.kind} named ${JSON.stringify(name)}: delete it, or choose another name.`,
      );
    this.#reserved.add(name);
    try {
      const running = await this.#kind.begin(options);
      try {
        await this.#repository.store({ node: this.#node.name, kind: this.#kind.kind, name, settings: this.#kind.toSettings(options) });
      } catch (thrown) {
        await running.close();
        throw thrown;
      }
      this.#held.set(name, { options, running, lastError: '', timer: undefined, sinceMs: this.#node.clock.monotonicMs() });
      return running.status;
    } finally {
      this.#reserved.delete(name);
    }
  }

  /** Begins one that was written down. What fails is shown as such, and tried again. @throws for settings that cannot be read */
  async restore(name: string, settings: Settings): Promise<void> {
    const held: Held<Options, Status> = {
      options: this.#kind.fromSettings(name, settings),
      running: undefined,
      lastError: '',
      timer: undefined,
      sinceMs: this.#node.clock.monotonicMs(),
    };
    this.#held.set(name, held);
    await this.#begin(held);
  }

  /** By ascending name. */
  list(): readonly Status[] {
    return [...this.#held.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, held]) => this.#statusOf(held));
  }

  /** Those that are down, or were never begun, and since when. */
  down(): { readonly name: string; readonly sinceMs: number; readonly status: Status }[] {
    return [...this.#held.values()].flatMap((held) => {
      const { running, options, sinceMs: sinceBegin } = held;
      const sinceMs = running === undefined ? sinceBegin : running.outage?.sinceMs;
      return sinceMs === undefined ? [] : [{ name: options.name, sinceMs, status: this.#statusOf(held) }];
    });
  }

  /** @throws {ManagerError} `RESOURCE_UNKNOWN` */
  show(name: string): Status {
    return this.#statusOf(this.#get(name));
  }

  /** Ends it for good. @throws {ManagerError} `RESOURCE_UNKNOWN` */
  async delete(name: string): Promise<void> {
    const held = this.#get(name);
    await this.#repository.remove(this.#node.name, this.#kind.kind, name);
    this.#held.delete(name);
    await end(held);
  }

  /** Ends all of them until the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#held.values()].map(end));
  }

  async #begin(held: Held<Options, Status>): Promise<void> {
    try {
      const running = await this.#kind.begin(held.options, held.sinceMs);
      if (this.#isClosed || this.#held.get(held.options.name) !== held) await running.close();
      else held.running = running;
    } catch (thrown) {
      if (!(thrown instanceof PosternError)) throw thrown;
      held.lastError = String(thrown.code);
      this.#node.logger.log('warn', 'resource.not.restored', { kind: this.#kind.kind, name: held.options.name, ...errorFields(thrown) });
      if (this.#isClosed) return;
      held.timer = this.#node.clock.setTimer(RESTORE_AGAIN_MS, () => {
        this.#begin(held).catch((unexpected: unknown) => this.#node.logger.log('error', 'resource.failed', errorFields(unexpected)));
      });
    }
  }

  #get(name: string): Held<Options, Status> {
    const held = this.#held.get(name);
    if (held === undefined)
      throw new ManagerError('RESOURCE_UNKNOWN', `${this.#kind.kind} ${JSON.stringify(name)} was not found on node ${this.#node.name}.`);
    return held;
  }

  #statusOf({ options, running, lastError }: Held<Options, Status>): Status {
    return running === undefined ? this.#kind.statusOfFailed(options, lastError) : running.status;
  }
}

async function end(held: Held<unknown, unknown>): Promise<void> {
  held.timer?.cancel();
  await held.running?.close();
}
