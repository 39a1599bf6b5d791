import type { LogLevel } from '../../runtime/logger.ts';
import { Recorder } from '../recorder.ts';
import type { TraceEvent } from '../trace.ts';

export interface ReporterOptions {
  readonly nowMs: () => number;
  readonly keepBytes: boolean;
  readonly logLevel: LogLevel;
  readonly send: (events: readonly TraceEvent[]) => void;
}

/** Watches a node as the recorder of a simulation does, and hands on what happened, once a turn, instead of keeping it. */
export class Reporter extends Recorder {
  readonly #send: ReporterOptions['send'];
  #unsent: TraceEvent[] = [];

  constructor({ send, ...options }: ReporterOptions) {
    super({ ...options, scenario: '', seed: 0, eventsMax: Number.POSITIVE_INFINITY });
    this.#send = send;
  }

  override record(event: TraceEvent): void {
    if (this.#unsent.length === 0) setImmediate(() => this.flush());
    this.#unsent.push(event);
  }

  /** Hands on what has not been yet. */
  flush(): void {
    const events = this.#unsent;
    this.#unsent = [];
    if (events.length > 0) this.#send(events);
  }
}
