import type { Timer } from '../../runtime/clock.ts';
import type { Context } from '../../runtime/context.ts';
import { assertNever } from '../../runtime/errors.ts';
import { errorFields } from '../../runtime/logger.ts';
import type { PortalStream } from './portal-stream.ts';
import type { AbortReason, StreamEffect, StreamEvent, StreamTimer } from './stream-states.ts';
import type { StreamState, StreamStep, StreamSteps } from './stream-steps.ts';

/** How long a socket that nobody listens to any more may take to end. Our own bound. */
const LINGER_MS = 5_000;

/** What only one of the two ends does. */
export interface StreamRole {
  perform(order: 'findWay' | 'sendPing' | 'dial' | 'sendPong'): void;
  /** The stream is over: whatever is under way is called off. */
  leave(): void;
}

/** Takes the steps of the machine of one end of a stream: facts in, and its effects on the stream out. */
export class StreamLife {
  readonly #context: Context;
  readonly #stream: PortalStream;
  readonly #role: StreamRole;
  readonly #timerMs: Record<StreamTimer, number>;
  readonly #steps: StreamSteps;
  #state: StreamState;
  /** Facts that came while effects were performed: each waits its turn. */
  readonly #waiting: StreamEvent[] = [];
  #isPerforming = false;
  #timer: Timer | undefined;

  constructor(
    context: Context,
    steps: StreamSteps,
    stream: PortalStream,
    role: StreamRole,
    timerMs: { readonly link: number; readonly pong: number } = { link: 0, pong: 0 },
  ) {
    this.#context = context;
    this.#stream = stream;
    this.#role = role;
    this.#timerMs = { ...timerMs, linger: LINGER_MS };
    this.#steps = steps;
    this.#state = steps.first.state;
  }

  begin(): void {
    this.#take(this.#steps.first);
  }

  report(event: StreamEvent): void {
    if (this.#isPerforming) this.#waiting.push(event);
    else if (!this.#state.isFinal) this.#take(this.#steps.after(this.#state, event));
  }

  /** The step, and those that what was reported meanwhile leads to; after a final state nothing is listened to. */
  #take(first: StreamStep): void {
    this.#isPerforming = true;
    try {
      for (let step: StreamStep | undefined = first; step !== undefined; ) {
        this.#state = step.state;
        for (const effect of step.effects) this.#try(effect);
        const next: StreamEvent | undefined = this.#state.isFinal ? undefined : this.#waiting.shift();
        step = next && this.#steps.after(this.#state, next);
      }
    } finally {
      this.#isPerforming = false;
    }
  }

  #try(effect: StreamEffect): void {
    try {
      this.#perform(effect);
    } catch (thrown) {
      this.#context.node.logger.log('error', 'portal.effect.failed', { effect: effect.type, ...errorFields(thrown) });
      this.#end('unspecified');
    }
  }

  #perform(effect: StreamEffect): void {
    switch (effect.type) {
      case 'findWay':
      case 'sendPing':
      case 'dial':
      case 'sendPong':
        return this.#role.perform(effect.type);
      case 'openStream':
        return this.#stream.open();
      case 'sendEnd':
        return this.#stream.sendEnd();
      case 'endLocal':
        return this.#stream.endLocal();
      case 'discardLocal':
        return this.#stream.discardLocal();
      case 'startTimer':
        this.#timer = this.#context.setTimer(this.#timerMs[effect.timer], () => this.report({ type: 'timer.expired' }));
        return undefined;
      case 'stopTimer':
        return this.#timer?.cancel();
      case 'close':
        this.#stream.close();
        return this.#leave();
      case 'abort':
        return this.#end(effect.reason);
      default:
        return assertNever(effect);
    }
  }

  #end(reason: AbortReason): void {
    const address = this.#context.address.toString();
    this.#context.node.logger.log('info', 'portal.stream.reset', { address, reason });
    this.#stream.abort(reason);
    this.#leave();
  }

  #leave(): void {
    this.#role.leave();
    this.#context.stop();
  }
}
