import type { WorldStart } from '../any-world.ts';
import type { Trace, TraceEvent } from '../trace.ts';

const EVENTS_MAX = 1_000_000;

/**
 * The trace of a world of processes. Each tells what happened a little later than it did, so an event is put where its time belongs,
 * behind those of the same time: what one process tells stays in its order.
 */
export class Journal {
  readonly #start: WorldStart;
  readonly #nodes: string[] = [];
  readonly #events: TraceEvent[] = [];
  readonly #leftOut = new Map<string, number>();
  readonly #onEvent: () => void;
  /** When a message was sent last, or bytes set out. */
  activeAtMs = 0;

  constructor(start: WorldStart, onEvent: () => void) {
    this.#start = start;
    this.#onEvent = onEvent;
  }

  get trace(): Trace {
    const { scenario = '', seed } = this.#start;
    const leftOut = this.#leftOut.size > 0 ? { leftOut: Object.fromEntries(this.#leftOut) } : {};
    return { version: 1, scenario, seed, nodes: this.#nodes, events: this.#events, ...leftOut };
  }

  knowsNode(name: string): void {
    this.#nodes.push(name);
  }

  record(event: TraceEvent): void {
    if ((event.kind === 'message' || event.kind === 'bytes') && event.what === 'sent')
      this.activeAtMs = Math.max(this.activeAtMs, event.atMs);
    if (this.#events.length >= (this.#start.eventsMax ?? EVENTS_MAX))
      this.#leftOut.set(event.kind, (this.#leftOut.get(event.kind) ?? 0) + 1);
    else {
      const before = this.#events.findLastIndex(({ atMs }) => atMs <= event.atMs);
      this.#events.splice(before + 1, 0, event);
    }
    this.#onEvent();
  }
}
