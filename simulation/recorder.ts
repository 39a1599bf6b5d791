import type { LogLevel, Logger } from '../runtime/logger.ts';
import type { Message } from '../runtime/message.ts';
import type { Node } from '../runtime/node.ts';
import { hex } from '../runtime/random.ts';
import type { NetworkObserver } from './medium.ts';
import type { MessageEvent, Trace, TraceEvent } from './trace.ts';

export interface RecorderOptions {
  readonly scenario: string;
  readonly seed: number;
  readonly nowMs: () => number;
  /** Payloads and the bytes on links are kept too. */
  readonly keepBytes: boolean;
  /** Events beyond so many are counted and not kept. */
  readonly eventsMax: number;
  readonly logLevel: LogLevel;
}

/** How many events tell who is busy. */
const LATEST = 1_000;
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** Under it a key is made out of a key, as often as anybody asks; nothing that travels is. Source: Noise spec rev 34 §4.2 */
const REKEY_NONCE = '00000000ffffffffffffffff';

/** What can seal: as much of a crypto provider as is watched. */
interface Seals {
  sha256(data: Uint8Array): Uint8Array;
  importAes256Gcm(key: Uint8Array): { seal(nonce: Uint8Array, ...rest: never): unknown };
}

/** Writes down what happens in a world. */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #nodes: string[] = [];
  readonly #events: TraceEvent[] = [];
  readonly #leftOut = new Map<string, number>();
  readonly #known = new WeakMap<Message, KnownMessage>();
  #messages = 0;
  /** Events at the present moment of virtual time: very many of them are a livelock. */
  atOnce = 0;
  #lastAtMs = 0;
  /** When a message was sent last, or bytes set out. */
  activeAtMs = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  get keepsBytes(): boolean {
    return this.#options.keepBytes;
  }

  get trace(): Trace {
    const { scenario, seed } = this.#options;
    const leftOut = this.#leftOut.size > 0 ? { leftOut: Object.fromEntries(this.#leftOut) } : {};
    return { version: 1, scenario, seed, nodes: this.#nodes, events: this.#events, ...leftOut };
  }

  /** Who was sent most of the latest messages, as text for an error. */
  busiest(): string {
    const counts = new Map<string, number>();
    for (const event of this.#events.slice(-LATEST)) {
      if (event.kind !== 'message' || event.what !== 'sent') continue;
      const who = `${event.destination} of ${event.node}`;
      counts.set(who, (counts.get(who) ?? 0) + 1);
    }
    const most = [...counts].sort(([, one], [, other]) => other - one).slice(0, 3);
    return most.length === 0 ? 'no message was sent of late' : most.map(([who, count]) => `${who} (${count} messages)`).join(', ');
  }

  /** For the network. */
  get network(): NetworkObserver {
    return {
      onStream: (event) => this.record(event),
      onBytes: (event, bytes) => this.record(this.keepsBytes ? { ...event, bytes: bytes.slice() } : event),
    };
  }

  knowsNode(name: string): void {
    if (!this.#nodes.includes(name)) this.#nodes.push(name);
  }

  record(event: TraceEvent): void {
    this.#happened(event.atMs, (event.kind === 'message' || event.kind === 'bytes') && event.what === 'sent');
    if (this.#isFull) this.#leaveOut(event.kind);
    else this.#events.push(event);
  }

  /** Watches the messages of a node. @returns how to end it */
  watch(node: Node, life: number): () => void {
    return node.trace(({ kind, reason, message }) => {
      if (this.#isFull) {
        // Not even written: what a message says of itself costs more than its way.
        this.#happened(this.#options.nowMs(), kind === 'sent');
        this.#leaveOut('message');
        return;
      }
      const known = this.#know(message);
      const event: MessageEvent = {
        kind: 'message',
        atMs: this.#options.nowMs(),
        node: node.name,
        life,
        what: kind,
        message: known.number,
        source: message.posted ? message.source.toString() : '',
        destination: known.destination,
        onward: known.onward,
        returnRoute: known.returnRoute,
        payloadBytes: message.payloadBytes,
        hops: message.hops,
        isFromAfar: message.flow !== undefined,
      };
      // Added and not spread: most events have neither, and there are very many.
      const more = event as { -readonly [Name in keyof MessageEvent]: MessageEvent[Name] };
      if (reason !== undefined) more.reason = reason;
      if (this.keepsBytes) more.payload = message.payload.slice();
      this.record(event);
    });
  }

  logger(node: string): Logger {
    const least = LEVELS.indexOf(this.#options.logLevel);
    return {
      log: (level, event, fields = {}) => {
        if (LEVELS.indexOf(level) >= least) this.record({ kind: 'log', atMs: this.#options.nowMs(), node, level, event, fields });
      },
    };
  }

  /** The same provider, but what it seals is written down: the nonce, and the key by its hash. */
  sealing<Provider extends object>(provider: Provider, node: string): Provider {
    const seals = provider as Provider & Seals;
    const importAes256Gcm = (key: Uint8Array) => {
      const imported = seals.importAes256Gcm(key);
      const keyHash = hex(seals.sha256(key));
      const seal = (nonce: Uint8Array, ...rest: never) => {
        const nonceText = hex(nonce);
        if (nonceText !== REKEY_NONCE) this.record({ kind: 'seal', atMs: this.#options.nowMs(), node, keyHash, nonce: nonceText });
        return imported.seal(nonce, ...rest);
      };
      return overriding(imported, { seal });
    };
    return overriding(provider, { importAes256Gcm } as unknown as Partial<Provider>);
  }

  get #isFull(): boolean {
    return this.#events.length >= this.#options.eventsMax;
  }

  #leaveOut(kind: TraceEvent['kind']): void {
    this.#leftOut.set(kind, (this.#leftOut.get(kind) ?? 0) + 1);
  }

  #happened(atMs: number, isActivity: boolean): void {
    if (atMs !== this.#lastAtMs) this.atOnce = 0;
    this.#lastAtMs = atMs;
    this.atOnce += 1;
    if (isActivity) this.activeAtMs = atMs;
  }

  /** A message is immutable, and is told of when it is sent and again when it ends: its routes are written once. */
  #know(message: Message): KnownMessage {
    let known = this.#known.get(message);
    if (known === undefined) {
      this.#messages += 1;
      known = {
        number: this.#messages,
        destination: message.onward.isEmpty ? '' : message.onward.next.toString(),
        onward: message.onward.toString(),
        returnRoute: message.returnRoute.toString(),
      };
      this.#known.set(message, known);
    }
    return known;
  }
}

/** What all events of one message have in common. */
type KnownMessage = Pick<MessageEvent, 'destination' | 'onward' | 'returnRoute'> & { readonly number: number };

/** The object with some of its methods replaced; the others are still called on itself, for they may have private parts. */
function overriding<Target extends object>(target: Target, by: Partial<Target>): Target {
  return new Proxy(target, {
    get: (of, name) => {
      if (Object.hasOwn(by, name)) return by[name as keyof Target];
      const value: unknown = Reflect.get(of, name, of);
      return typeof value === 'function' ? (value.bind(of) as unknown) : value;
    },
  });
}
