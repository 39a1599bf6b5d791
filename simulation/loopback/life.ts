import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { NodeEvent, TraceEvent } from '../trace.ts';
import type { Beginning, Fact, Order } from './orders.ts';

/** As much of what a process printed about its own end as an error shows. */
const LAST_WORDS_CHARACTERS_MAX = 2_000;

/** What the life of a node needs of its world. */
export interface LifePlace {
  readonly execArgv: readonly string[];
  happened(event: TraceEvent): void;
  /** The same number is never given twice. */
  nextMessage(): number;
  dials(dial: Dial): void;
  /** The program threw, or the process ended by itself. */
  failed(what: string, cause?: Error): void;
  /** Something that is in no event: whoever waits may ask again. */
  changed(): void;
}

/** A node wants to connect to a port of another. */
export interface Dial {
  readonly from: string;
  readonly host: string;
  readonly port: number;
  /** Nobody waits for it any more. */
  readonly isOver: boolean;
  answer(port: number): void;
  refuse(code: 'CONNECT_REFUSED' | 'NAME_UNKNOWN', text: string): void;
}

/** One life of a node: a process, from its start to its end. */
export class Life {
  /** What the program returned. */
  readonly ready: Promise<unknown>;
  /** Resolves once its process is gone, and all it told has come. */
  readonly over: Promise<void>;
  /** Where it really listens, by the ports that others know. */
  readonly listeners = new Map<number, { readonly at: number; readonly isLoopback: boolean }>();
  left: NodeEvent['left'];
  readonly #child: ChildProcess;
  readonly #place: LifePlace;
  readonly #node: string;
  /** The numbers of its messages in the whole run, by those in this life. */
  readonly #messages = new Map<number, number>();
  readonly #dials = new Set<number>();
  #isEndWanted = false;
  #lastWords = '';
  #resolve: (result: unknown) => void = () => undefined;
  #reject: (thrown: Error) => void = () => undefined;

  constructor(beginning: Beginning, place: LifePlace) {
    this.#place = place;
    this.#node = beginning.node;
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.ready.catch(() => undefined); // the world is told as well
    const entry = new URL(import.meta.url.endsWith('.ts') ? 'node-process.ts' : 'node-process.js', import.meta.url);
    this.#child = fork(entry, { execArgv: [...place.execArgv], serialization: 'advanced', stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
    this.#child.stderr?.on('data', (text: Buffer) => {
      this.#lastWords = (this.#lastWords + text.toString()).slice(-LAST_WORDS_CHARACTERS_MAX);
    });
    this.#child.on('message', (fact: Fact) => this.#take(fact));
    // It comes when the channel and the output are read to their ends.
    this.over = once(this.#child, 'close').then(
      ([code, signal]: unknown[]) => this.#ended(String(signal ?? code)),
      (cause: unknown) => place.failed('could not be started.', cause as Error),
    );
    this.#send({ kind: 'begin', ...beginning });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  stop(): void {
    this.#isEndWanted = true;
    this.signal('SIGCONT');
    this.#send({ kind: 'stop' });
  }

  kill(): void {
    this.#isEndWanted = true;
    this.#child.kill('SIGKILL');
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  #send(order: Order): void {
    if (this.#child.connected) this.#child.send(order, () => undefined); // one that is dead needs no word
  }

  #ended(how: string): void {
    this.listeners.clear();
    this.#dials.clear();
    if (!this.#isEndWanted) this.#place.failed(`ended by itself: ${how}.\n${this.#lastWords}`);
  }

  #take(fact: Fact): void {
    switch (fact.kind) {
      case 'happened':
        for (const event of fact.events) this.#place.happened(this.#inRun(event));
        return;
      case 'ready':
        this.#resolve(fact.result);
        break;
      case 'failed': {
        const cause = Object.assign(new Error(fact.message), { name: fact.name, stack: fact.stack });
        this.#reject(cause);
        this.#place.failed(`threw: ${fact.message}`, cause);
        break;
      }
      case 'dials':
        this.#dial(fact);
        break;
      case 'gaveUp':
        this.#dials.delete(fact.dial);
        break;
      case 'listens':
        this.listeners.set(fact.port, fact);
        break;
      case 'listensNoMore':
        this.listeners.delete(fact.port);
        break;
      case 'stopped':
        this.left = fact.left;
        break;
      case 'stored':
        break;
    }
    this.#place.changed();
  }

  #inRun(event: TraceEvent): TraceEvent {
    if (event.kind !== 'message') return event;
    const message = this.#messages.get(event.message) ?? this.#place.nextMessage();
    this.#messages.set(event.message, message);
    return { ...event, message };
  }

  #dial({ dial, host, port }: Extract<Fact, { kind: 'dials' }>): void {
    const dials = this.#dials;
    dials.add(dial);
    this.#place.dials({
      from: this.#node,
      host,
      port,
      get isOver() {
        return !dials.has(dial);
      },
      answer: (at) => {
        if (dials.delete(dial)) this.#send({ kind: 'dialled', dial, port: at });
      },
      refuse: (code, text) => {
        if (dials.delete(dial)) this.#send({ kind: 'unreachable', dial, code, text });
      },
    });
  }
}
