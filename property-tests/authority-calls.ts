import { createIdentity, type Identity } from '../identities/identity.ts';
import type { Identifier } from '../identities/identifier.ts';
import type { Context } from '../runtime/context.ts';
import { silentLogger } from '../runtime/logger.ts';
import { Message } from '../runtime/message.ts';
import { Node } from '../runtime/node.ts';
import type { Random } from '../runtime/random.ts';
import { Route, route } from '../runtime/route.ts';
import type { Worker } from '../runtime/worker.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { seededRandom } from '../simulation/random.ts';
import { type Authority, type AuthorityOptions, startAuthority } from '../workers/authority/authority.ts';
import { MemoryAuthorityStore } from '../workers/authority/store.ts';
import { peerInfo } from '../workers/secure-channel/local-info.ts';

/** Sends as a channel does: what comes from it says who is at the other end. */
class Stand implements Worker {
  #context!: Context;

  onStart(context: Context): void {
    this.#context = context;
  }

  onMessage(): void {
    // Nobody sends here.
  }

  send(service: string, wayBack: Route, caller: Identifier | undefined, payload: Uint8Array): void {
    const info = caller === undefined ? [] : [peerInfo({ identifier: caller, credentials: [], clock: this.#context.clock })];
    this.#context.enter(() => this.#context.forward(new Message(route(service), wayBack, payload, info)));
  }
}

export interface CallsOptions extends Partial<Omit<AuthorityOptions, 'on'>> {
  readonly clock?: SimulatedClock;
  /** Of the authority's node: codes come from it. */
  readonly random?: Random;
}

/** An authority whose services are asked without channels: by messages that look as if they came through one. */
export class AuthorityCalls {
  readonly clock: SimulatedClock;
  readonly node: Node;
  readonly store: MemoryAuthorityStore;
  identity!: Identity;
  authority!: Authority;
  readonly #stand = new Stand();

  private constructor(clock: SimulatedClock, random: Random) {
    this.clock = clock;
    this.store = new MemoryAuthorityStore();
    const network = new SimulatedNetwork({ clock, latencyMs: 1 }).host('authority');
    this.node = new Node({ name: 'authority', clock, random, network, logger: silentLogger });
    this.node.start('stand', this.#stand);
  }

  static async make({ clock = new SimulatedClock(), random = seededRandom(7), ...options }: CallsOptions = {}): Promise<AuthorityCalls> {
    const calls = new AuthorityCalls(clock, random);
    calls.identity = options.identity ?? (await createIdentity({ clock, random: seededRandom(8) }));
    const on = { flow: calls.node.newFlow() };
    calls.authority = await startAuthority(calls.node, { identity: calls.identity, store: calls.store, project: 'p1', on, ...options });
    return calls;
  }

  /** @returns the payload of the answer; undefined when none came within 1 s, or within the time given */
  async ask(service: string, caller: Identifier | undefined, payload: Uint8Array, timeoutMs = 1_000): Promise<Uint8Array | undefined> {
    using from = this.node.detached();
    this.#stand.send(service, Route.of([from.address]), caller, payload);
    const answer = from.receive({ timeoutMs }).catch(() => undefined);
    return (await this.clock.runUntil(answer))?.payload.slice();
  }
}
