import type { Address } from '../runtime/address.ts';
import type { Timer } from '../runtime/clock.ts';
import type { Context } from '../runtime/context.ts';
import { PosternError, TransportError } from '../runtime/errors.ts';
import { parseHostPort } from '../runtime/host-port.ts';
import { errorFields } from '../runtime/logger.ts';
import type { Message } from '../runtime/message.ts';
import type { HostPort } from '../runtime/network.ts';
import type { Node } from '../runtime/node.ts';
import type { Route } from '../runtime/route.ts';
import type { Way } from '../runtime/way.ts';
import type { Worker } from '../runtime/worker.ts';
import { type Inlet, inlet, type InletOptions } from '../workers/portal/inlet.ts';

/** A port that somebody took meanwhile is tried again after so long. Our choice, that of what could not be restored. */
const LISTEN_AGAIN_MS = 5_000;

export interface LateInletOptions extends Omit<InletOptions, 'outlet'> {
  readonly outlet: Way;
}

/**
 * An inlet as its operator has it: it listens from the first time on that its way is up, and goes on when the way goes down. Before that
 * its port refuses clients. As a way it is up while it listens and what it leads to is up. Source: command-line.md 4.6
 */
export class LateInlet implements Way, Worker {
  readonly address: Address;
  /** The code of what keeps it from listening. */
  lastError: string | undefined;
  readonly #node: Node;
  readonly #options: LateInletOptions;
  readonly #listeners = new Set<() => void>();
  readonly #undo: (() => void)[] = [];
  #listening: Inlet | undefined;
  #isBusy = false;
  #isOver = false;
  #timer: Timer | undefined;

  constructor(node: Node, options: LateInletOptions) {
    this.#node = node;
    this.#options = options;
    this.address = node.newAddress();
  }

  /**
   * Says that the way is needed, and listens if it is up.
   * @param others inlets of this node: one that does not listen yet has its port, too
   * @throws {TransportError} `TARGET_TEXT`, `LISTEN_FAILED`: it is over then
   */
  async begin(others: Iterable<LateInlet>): Promise<void> {
    const { listen, outlet } = this.#options;
    const at = parseHostPort(listen);
    if ([...others].some((other) => other !== this && other.hasPort(at)))
      throw new TransportError('LISTEN_FAILED', `Another inlet of this node has ${listen}: choose another port, or delete that one.`);
    this.#node.start(this.address, this);
    this.#undo.push(outlet.onChange(() => this.#wayChanged()));
    this.#undo.push(outlet.need());
    try {
      if (outlet.current !== undefined) await this.#listen();
      else await (await this.#node.network.listen(at, () => undefined)).close();
    } catch (thrown) {
      await this.close();
      throw thrown;
    }
    this.#wayChanged();
  }

  /** Whether nobody else can listen there as long as this one is. */
  hasPort({ host, port }: HostPort): boolean {
    const mine = parseHostPort(this.#options.listen);
    return mine.port === port && (mine.host === host || [mine.host, host].some(isEverywhere));
  }

  get current(): Route | undefined {
    return this.#listening === undefined ? undefined : this.#options.outlet.current;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  need(): () => void {
    return this.#options.outlet.need();
  }

  onMessage(message: Message, context: Context): void {
    context.giveUp(message, 'refused');
  }

  async onStop(): Promise<void> {
    this.#isOver = true;
    this.#timer?.cancel();
    for (const each of this.#undo.splice(0)) each();
    await this.#listening?.close();
  }

  close(): Promise<void> {
    return this.#node.stopWorker(this.address).catch(() => undefined);
  }

  #wayChanged(): void {
    if (this.#options.outlet.current !== undefined && this.#listening === undefined) void this.#tryToListen();
    this.#tell();
  }

  async #tryToListen(): Promise<void> {
    if (this.#isBusy || this.#hasEnded()) return;
    this.#timer?.cancel();
    try {
      await this.#listen();
      this.lastError = undefined;
      this.#tell();
    } catch (thrown) {
      const { logger, clock } = this.#node;
      this.lastError = thrown instanceof PosternError ? String(thrown.code) : 'LISTEN_FAILED';
      logger.log('warn', 'inlet.not.listening', { listen: this.#options.listen, ...errorFields(thrown) });
      if (!this.#hasEnded()) this.#timer = clock.setTimer(LISTEN_AGAIN_MS, () => void this.#tryToListen());
    }
  }

  async #listen(): Promise<void> {
    this.#isBusy = true;
    try {
      const made = await inlet(this.#node, this.#options);
      if (this.#hasEnded()) await made.close();
      else this.#listening = made;
    } finally {
      this.#isBusy = false;
    }
  }

  /** Asked anew after each wait. */
  #hasEnded(): boolean {
    return this.#isOver;
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

const isEverywhere = (host: string) => host === '0.0.0.0' || host === '::';
