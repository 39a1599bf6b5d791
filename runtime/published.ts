import { type AccessControl, allowEveryone } from './access-control.ts';
import type { Message } from './message.ts';
import type { HasFlow } from './node.ts';

/**
 * The incoming control of a worker that is published: who comes by a published way has to pass what was said for that way,
 * so that opening one way opens no other. Whatever else comes, local messages included, has to pass all of them.
 * Source: decisions.md A6
 */
export class Published implements AccessControl {
  readonly #allowBy = new Map<string, AccessControl>();

  set(ways: readonly HasFlow[], allow: AccessControl): void {
    for (const way of ways) this.#allowBy.set(way.flow.id, allow);
  }

  /** Nobody is refused by any way. */
  get isEveryone(): boolean {
    for (const allow of this.#allowBy.values()) if (allow !== allowEveryone) return false;
    return true;
  }

  allows(message: Message): boolean {
    const { flow } = message;
    const allow = flow && (this.#allowBy.get(flow.id) ?? this.#allowBy.get(flow.spawnerId ?? ''));
    if (allow !== undefined) return allow.allows(message);
    for (const each of this.#allowBy.values()) if (!each.allows(message)) return false;
    return true;
  }
}
