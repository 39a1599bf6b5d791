import { createActor } from 'xstate';
import type { Address } from '../../runtime/address.ts';
import type { Timer } from '../../runtime/clock.ts';
import { assertNever } from '../../runtime/errors.ts';
import type { Flow } from '../../runtime/flow-control.ts';
import { errorFields } from '../../runtime/logger.ts';
import type { HasFlow, Node } from '../../runtime/node.ts';
import { randomFraction } from '../../runtime/random.ts';
import { Route } from '../../runtime/route.ts';
import { type Way, whenThere } from '../../runtime/way.ts';
import { ATTEMPT_GAP_MS, NEEDED_PAUSE_MS_MAX, pauseMs } from './back-off.ts';
import { EchoPing } from './echo-ping.ts';
import { SessionError } from './errors.ts';
import { type SessionEffect, type SessionEvent, sessionMachine } from './session.machine.ts';

/** How long one attempt may take; waiting for what it is built on does not count. Source: routing.md 6.5 */
export const ATTEMPT_TIMEOUT_MS = 30_000;

/** What one attempt is given. */
export interface Attempt {
  /** Aborted when the attempt is called off; what is made afterwards is closed at once. */
  readonly signal: AbortSignal;
  /** The session's own: give it to what brings messages in, so that consumers outlive a reconnect. */
  readonly flow: Flow;
  /** The route of what the session is built on; empty when it is built on nothing. */
  readonly over: Route;
}

/** What an attempt has made. */
export interface Made {
  readonly route: Route;
  /** Settles when it is gone, whoever ended it; an error it gives is the reason shown to people. */
  readonly closed: Promise<unknown>;
  close(): Promise<void>;
  /** An `echo` service at the far end: asked every 10 s, and its silence counts as a loss once it has answered. */
  readonly ping?: Route | undefined;
  /** A way that leads back to this node: asked and judged in the same way. */
  readonly round?: Route | undefined;
  /** Moves it to another route of what it is built on. Rejects when it cannot: it is then closed and made anew. */
  reroute?(over: Route): Promise<void>;
}

export interface SessionOptions {
  /** For people: log lines and `status`. */
  readonly name: string;
  readonly make: (attempt: Attempt) => Promise<Made>;
  /** What it is built on: attempts wait for its route, and follow when that changes. */
  readonly over?: Way;
  /** The stable flow; a new one by default. */
  readonly flow?: Flow;
  /** Needed as long as it lives, so that pauses stay below 2 s. Default: only while somebody says so by `need`. */
  readonly isNeeded?: boolean;
  readonly attemptTimeoutMs?: number;
}

export type SessionState = 'connecting' | 'up' | 'waiting' | 'stopped';

/** How a session stands, for people. */
export interface SessionStatus {
  readonly name: string;
  readonly state: SessionState;
  /** Attempts since it was made. */
  readonly attempts: number;
  /** Those that failed in a row, short ups included. */
  readonly failures: number;
  /** The code of the last failure or loss. */
  readonly lastError: string | undefined;
}

/**
 * Keeps one thing up until it is closed: a connection, a channel, a relay's registration. The first attempt begins at once.
 * Its flow id stays the same, so what is published on the session stays reachable after a reconnect.
 * Source: decisions.md A4, A5
 */
export function maintain(node: Node, options: SessionOptions): Session {
  return new Session(node, options);
}

export class Session implements Way, HasFlow, AsyncDisposable {
  readonly flow: Flow;
  readonly #node: Node;
  readonly #options: SessionOptions;
  readonly #lifecycle = createActor(sessionMachine);
  /** Stands for the session in the table of flows; nobody receives there. */
  readonly #anchor: Address;
  readonly #routeListeners = new Set<() => void>();
  readonly #statusListeners = new Set<(status: SessionStatus) => void>();
  readonly #undo: (() => void)[] = [];
  readonly #closing: Promise<unknown>[] = [];
  #told: Route | undefined;
  #toldState: SessionState | undefined;
  #made: Made | undefined;
  #upSinceMs = 0;
  #running: { readonly controller: AbortController; over?: Route } | undefined;
  #attempts = 0;
  #failures = 0;
  #attemptNotBeforeMs = 0;
  #lastError: string | undefined;
  #timer: Timer | undefined;
  readonly #pingers: Address[] = [];
  #needs = 0;
  #overIsEnough: (() => void) | undefined;
  #overSeen: Route | undefined;
  #closed: Promise<void> | undefined;
  #nodeStops = false;

  /** @internal use `maintain` */
  constructor(node: Node, options: SessionOptions) {
    this.#node = node;
    this.#options = options;
    this.flow = options.flow ?? node.newFlow();
    this.#anchor = node.newAddress();
    node.flows.addSpawner(this.#anchor, this.flow.id);
    this.#undo.push(
      node.onStop(() => {
        this.#nodeStops = true;
        void this.close();
      }),
    );
    if (options.over !== undefined) {
      this.#overSeen = options.over.current;
      this.#undo.push(options.over.onChange(() => this.#overChanged()));
    }
    if (options.isNeeded === true) this.need();
    this.#lifecycle.on('*', (effect) => {
      try {
        this.#perform(effect);
      } catch (cause) {
        this.#note(new SessionError('SESSION_EFFECT', `The session could not ${effect.type}.`, { cause }));
        this.#happened('attempt.failed');
        this.#happened('made.lost');
      }
    });
    this.#lifecycle.subscribe(() => this.#tell());
    this.#lifecycle.start();
  }

  get state(): SessionState {
    const snapshot = this.#lifecycle.getSnapshot();
    if (snapshot.matches('stopped')) return 'stopped';
    if (snapshot.matches({ live: 'up' })) return 'up';
    return snapshot.matches({ live: 'waiting' }) ? 'waiting' : 'connecting';
  }

  get status(): SessionStatus {
    const { name } = this.#options;
    return { name, state: this.state, attempts: this.#attempts, failures: this.#failures, lastError: this.#lastError };
  }

  get current(): Route | undefined {
    return this.state === 'up' ? this.#made?.route : undefined;
  }

  onChange(listener: () => void): () => void {
    this.#routeListeners.add(listener);
    return () => this.#routeListeners.delete(listener);
  }

  /** Calls back when the state changed, for people. @returns how to stop listening */
  onStatus(listener: (status: SessionStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  need(): () => void {
    this.#needs += 1;
    if (this.#needs === 1) this.#overIsEnough = this.#options.over?.need();
    this.#happened('need.began');
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#needs -= 1;
      if (this.#needs === 0) this.#releaseOver();
    };
  }

  /** Ends it, and what it holds up, for good. Nothing is left: no timer, address or attempt. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#happened('stop.requested');
    await Promise.all(this.#closing);
  }

  /** A stopped session is told nothing more: its attempt, its way and its users may still speak. */
  #happened(type: SessionEvent['type']): void {
    if (this.state !== 'stopped') this.#lifecycle.send({ type });
  }

  #perform({ type }: SessionEffect): void {
    switch (type) {
      case 'startAttempt':
        return this.#startAttempt();
      case 'startReroute':
        return this.#startReroute();
      case 'endAttempt':
        return this.#endAttempt();
      case 'startWatching':
        return this.#startWatching();
      case 'stopWatching':
        return this.#stopWatching();
      case 'startTimer':
        return this.#startTimer(pauseMs(this.#failures, this.#needs > 0, randomFraction(this.#node.random)));
      case 'hurryTimer':
        return this.#startTimer(0);
      case 'stopTimer':
        this.#timer?.cancel();
        return;
      case 'closeMade':
        return this.#closeMade();
      case 'release':
        return this.#release();
      default:
        return assertNever(type);
    }
  }

  #startAttempt(): void {
    this.#attempts += 1;
    this.#run(async (signal, over) => {
      const made = await this.#options.make({ signal, flow: this.flow, over });
      if (signal.aborted) this.#closeQuietly(made);
      else this.#hold(made);
    });
  }

  #startReroute(): void {
    const made = this.#made;
    this.#run(async (_signal, over) => {
      await made?.reroute?.(over);
    });
  }

  /** Runs the work of one attempt once what it is built on is there, and reports its outcome unless it was called off. */
  #run(work: (signal: AbortSignal, over: Route) => Promise<void>): void {
    const controller = new AbortController();
    const { signal } = controller;
    const running: { readonly controller: AbortController; over?: Route } = { controller };
    this.#running = running;
    const timeoutMs = this.#options.attemptTimeoutMs ?? ATTEMPT_TIMEOUT_MS;
    const attempt = async () => {
      running.over = await this.#whenOverIsThere(signal);
      signal.throwIfAborted();
      this.#attemptNotBeforeMs = this.#node.clock.monotonicMs() + ATTEMPT_GAP_MS;
      const timer = this.#node.clock.setTimer(timeoutMs, () => {
        const timeout = new SessionError('ATTEMPT_TIMEOUT', `The attempt did not succeed within ${timeoutMs} ms.`);
        this.#attemptFailed(running, timeout);
      });
      const cancel = () => timer.cancel();
      signal.addEventListener('abort', cancel, { once: true });
      try {
        await work(signal, running.over);
      } finally {
        cancel();
      }
    };
    attempt().then(
      () => {
        if (!signal.aborted) this.#happened('attempt.succeeded');
      },
      (thrown: unknown) => this.#attemptFailed(running, thrown),
    );
  }

  #attemptFailed(running: { readonly controller: AbortController }, thrown: unknown): void {
    if (running.controller.signal.aborted) return;
    this.#failures += 1;
    this.#note(thrown);
    this.#happened('attempt.failed');
  }

  #endAttempt(): void {
    // After a success this only drops what nobody listens to any more.
    const running = this.#running;
    this.#running = undefined;
    running?.controller.abort(new SessionError('ATTEMPT_ABANDONED', 'This attempt was called off.'));
  }

  #hold(made: Made): void {
    this.#made = made;
    const lost = (reason: unknown) => {
      if (this.#made !== made) return;
      this.#lost(reason instanceof Error ? reason : new SessionError('SESSION_LOST', `${this.#options.name} was lost.`));
    };
    made.closed.then(lost, lost);
  }

  /** Starts the pings and the time that counts as being up. */
  #startWatching(): void {
    this.#upSinceMs = this.#node.clock.monotonicMs();
    this.#node.logger.log('info', 'session.up', { session: this.#options.name });
    const { ping, round } = this.#made ?? {};
    const silent = (what: string) => () => this.#lost(new SessionError('PEER_SILENT', `${this.#options.name}: ${what}.`));
    if (ping !== undefined) this.#pingers.push(EchoPing.start(this.#node, ping, silent('the far end has stopped answering pings')));
    if (round !== undefined) this.#pingers.push(EchoPing.startRound(this.#node, round, silent('nothing comes back by it any more')));
  }

  #stopWatching(): void {
    // What fell down again at once was no success: else two parties that do not fit would meet four times a second.
    const wasUpMs = this.#node.clock.monotonicMs() - this.#upSinceMs;
    this.#failures = wasUpMs >= NEEDED_PAUSE_MS_MAX ? 0 : this.#failures + 1;
    for (const pinger of this.#pingers.splice(0)) this.#later(this.#node.stopWorker(pinger));
  }

  #lost(reason: Error): void {
    this.#note(reason);
    this.#happened('made.lost');
  }

  #startTimer(delayMs: number): void {
    this.#timer?.cancel();
    const untilNextMs = this.#attemptNotBeforeMs - this.#node.clock.monotonicMs();
    this.#timer = this.#node.clock.setTimer(Math.max(delayMs, untilNextMs), () => this.#happened('timer.expired'));
  }

  /** A node that stops ends its workers itself, each while what it says goodbye through is still there. */
  #closeMade(): void {
    const made = this.#made;
    this.#made = undefined;
    if (made !== undefined && !this.#nodeStops) this.#closeQuietly(made);
  }

  #closeQuietly(made: Made): void {
    this.#later(made.close());
  }

  /** Something that ends in its own time: `close` waits for it, and its failure changes nothing. */
  #later(ending: Promise<unknown>): void {
    const ended = ending
      .catch((thrown: unknown) => this.#node.logger.log('debug', 'session.close.failed', errorFields(thrown)))
      .finally(() => this.#closing.splice(this.#closing.indexOf(ended), 1));
    this.#closing.push(ended);
  }

  #release(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#releaseOver();
    this.#node.flows.remove(this.#anchor);
  }

  #releaseOver(): void {
    this.#overIsEnough?.();
    this.#overIsEnough = undefined;
  }

  /** Does not say that it is needed: that is said by `need`, as long as somebody needs us. */
  #whenOverIsThere(signal: AbortSignal): Promise<Route> {
    const { over } = this.#options;
    if (over === undefined) return Promise.resolve(Route.empty);
    return whenThere(
      {
        get current() {
          return over.current;
        },
        onChange: (listener) => over.onChange(listener),
        need: () => () => undefined,
      },
      signal,
    );
  }

  #overChanged(): void {
    const current = this.#options.over?.current;
    if (current === this.#overSeen) return;
    this.#overSeen = current;
    // An attempt that still waits for a route gets it from `whenThere`.
    if (this.#running !== undefined && this.#running.over === undefined) return;
    if (this.state === 'waiting' && current === undefined) return;
    if (this.state === 'up' && this.#made?.reroute === undefined) {
      return this.#lost(new SessionError('SESSION_LOST', `${this.#options.name}: what it is built on has changed.`));
    }
    this.#happened('way.changed');
  }

  #note(thrown: unknown): void {
    const fields = errorFields(thrown);
    this.#lastError = String(fields['code'] ?? fields['thrown']);
    this.#node.logger.log('info', 'session.failed', { session: this.#options.name, failures: this.#failures, ...fields });
  }

  #tell(): void {
    const { state, current } = this;
    if (current !== this.#told) {
      this.#told = current;
      for (const listener of [...this.#routeListeners]) listener();
    }
    if (state !== this.#toldState) {
      this.#toldState = state;
      for (const listener of [...this.#statusListeners]) listener(this.status);
    }
  }
}
