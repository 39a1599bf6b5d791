import type { Clock } from '../runtime/clock.ts';
import type { Way } from '../runtime/way.ts';

/** Since when a way is down, by the clock that never jumps. */
export class Outage {
  readonly #end: () => void;
  #sinceMs: number | undefined;

  /** @param beforeMs since when it was down before it was begun */
  constructor(clock: Pick<Clock, 'monotonicMs'>, way: Way, beforeMs?: number) {
    this.#sinceMs = beforeMs;
    const look = () => {
      if (way.current !== undefined) this.#sinceMs = undefined;
      else this.#sinceMs ??= clock.monotonicMs();
    };
    look();
    this.#end = way.onChange(look);
  }

  /** Undefined while it is up. */
  get sinceMs(): number | undefined {
    return this.#sinceMs;
  }

  close(): void {
    this.#end();
  }
}
