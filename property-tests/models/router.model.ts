/** Who may send to whom, as anybody would write it down: sets of pairs. */
export class AccessModel {
  readonly #accepts = new Map<string, ReadonlySet<string>>();
  readonly #sendsTo = new Map<string, ReadonlySet<string>>();

  /** @param accepts from whom it takes; undefined for everyone. @param sendsTo to whom it may send; undefined for everyone */
  constructor(rules: readonly { name: string; accepts: readonly string[] | undefined; sendsTo: readonly string[] | undefined }[]) {
    for (const { name, accepts, sendsTo } of rules) {
      if (accepts !== undefined) this.#accepts.set(name, new Set(accepts));
      if (sendsTo !== undefined) this.#sendsTo.set(name, new Set(sendsTo));
    }
  }

  mayPass(from: string, to: string): boolean {
    return (this.#sendsTo.get(from)?.has(to) ?? true) && (this.#accepts.get(to)?.has(from) ?? true);
  }
}

/** Which names have a worker, and which of those take no more messages. */
export class LifeModel {
  readonly alive = new Set<string>();
  readonly stopping = new Set<string>();

  start(name: string): void {
    this.alive.add(name);
  }

  stop(name: string): void {
    this.stopping.add(name);
  }

  ended(name: string): void {
    this.alive.delete(name);
    this.stopping.delete(name);
  }

  takes(name: string): boolean {
    return this.alive.has(name) && !this.stopping.has(name);
  }
}

/** What is published by which flow: a set of pairs, and nothing else is reachable. Source: routing.md 2.2 */
export class PublishedModel {
  readonly #pairs = new Set<string>();

  publish(name: string, flowId: string): void {
    this.#pairs.add(`${flowId} ${name}`);
  }

  mayReach(name: string, flow: { readonly id: string; readonly spawnerId?: string | undefined }): boolean {
    return this.#pairs.has(`${flow.id} ${name}`) || this.#pairs.has(`${flow.spawnerId ?? ''} ${name}`);
  }
}
