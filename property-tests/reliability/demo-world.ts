import { createIdentity, type Identity } from '../../identities/identity.ts';
import { everyone, onlyPeer } from '../../identities/trust.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import { silentLogger } from '../../runtime/logger.ts';
import { Node } from '../../runtime/node.ts';
import { via, whenThere } from '../../runtime/way.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { SimulatedNetwork } from '../../simulation/network.ts';
import { seededRandom } from '../../simulation/random.ts';
import { tcp } from '../../transports/tcp.ts';
import { type Inlet, inlet, type InletOptions } from '../../workers/portal/inlet.ts';
import { type Outlet, outlet, type OutletOptions } from '../../workers/portal/outlet.ts';
import { relaySession } from '../../workers/relay/relay-session.ts';
import { relayService } from '../../workers/relay/relay-service.ts';
import { channelSession } from '../../workers/secure-channel/channel-session.ts';
import { fromAnyPeer, fromPeers } from '../../workers/secure-channel/local-info.ts';
import { type ChannelListener, secureChannelListener } from '../../workers/secure-channel/secure-channel.ts';
import { connectionSession } from '../../workers/session/connection-session.ts';
import type { Session } from '../../workers/session/session.ts';
import { EditingRelay, Program } from '../portal-world.ts';

const RELAY = 'relay:4000';
const DATABASE = { host: 'database', port: 5432 };

export interface DemoOptions {
  readonly seed: number;
  readonly latencyMs?: number;
  readonly windowBytes?: number;
  readonly inlet?: Partial<InletOptions>;
  readonly outlet?: Partial<OutletOptions>;
}

/**
 * The three programs of the demo, whose code this mirrors, and a database of one's own, on a simulated network: the same
 * sessions, channels and portals, with hosts whose power can fail. The relay puts a hop before its relays that may edit.
 */
export class DemoWorld {
  readonly clock = new SimulatedClock();
  readonly network: SimulatedNetwork;
  /** Between the analysis company and the bank, both ways: sees only what their channel has sealed. */
  readonly editor = new EditingRelay();
  relay!: Node;
  bank!: Node;
  analysis!: Node;
  inlet!: Inlet;
  outlet!: Outlet;
  toBank!: Session;
  registered!: Session;
  channels!: ChannelListener;
  /** Connections that the database accepted. */
  readonly targets: Program[] = [];
  onTarget: (program: Program) => void = () => undefined;
  readonly #options: DemoOptions;
  #identities!: Record<'relay' | 'bank' | 'analysis', Identity>;
  #lives = 0;

  private constructor(options: DemoOptions) {
    const { latencyMs = 5, windowBytes = 65_536 } = options;
    this.#options = options;
    this.network = new SimulatedNetwork({ clock: this.clock, latencyMs, windowBytes });
    this.editor.leadsThere = (next) =>
      ![...this.relay.connections].some(({ address, remote }) => remote.host === 'analysis' && address.equals(next));
  }

  /** All is up: the next client gets through at once. */
  static async make(options: DemoOptions): Promise<DemoWorld> {
    const world = new DemoWorld(options);
    await world.clock.runUntil(world.#begin());
    return world;
  }

  async #begin(): Promise<void> {
    const [relay, bank, analysis] = await Promise.all([this.#identity(1), this.#identity(2), this.#identity(3)]);
    this.#identities = { relay, bank, analysis };
    await this.network.host(DATABASE.host).listen({ host: '0.0.0.0', port: DATABASE.port }, (stream) => {
      const program = new Program();
      program.stream = stream;
      this.targets.push(program);
      this.onTarget(program);
      return program;
    });
    await this.startRelay();
    this.startBank();
    await whenThere(this.registered);
    await this.startAnalysis();
    await whenThere(this.toBank);
  }

  async startRelay(): Promise<void> {
    const node = (this.relay = this.#node('relay'));
    const listener = await node.listen(tcp(), '0.0.0.0:4000');
    const channels = secureChannelListener(node, 'api', { identity: this.#identities.relay, trust: everyone, on: listener });
    relayService(node, { on: [channels, listener], allow: fromAnyPeer });
    node.start('editor', this.editor);
    node.publish('editor', { on: [channels, listener], allow: allowEveryone });
  }

  startBank(): void {
    const { bank: identity, relay: relayIdentity, analysis } = this.#identities;
    const node = (this.bank = this.#node('bank'));
    const relay = connectionSession(node, tcp(), RELAY);
    const toRelay = channelSession(node, via(relay, 'api'), { identity, trust: onlyPeer(relayIdentity.identifier) });
    this.registered = relaySession(node, toRelay, { name: 'bank' });
    this.channels = secureChannelListener(node, 'secure', { identity, trust: onlyPeer(analysis.identifier), on: toRelay });
    const allow = fromPeers(analysis.identifier);
    this.outlet = outlet(node, { target: 'database:5432', on: this.channels, allow, ...this.#options.outlet });
  }

  async startAnalysis(): Promise<void> {
    const { analysis: identity, bank } = this.#identities;
    const node = (this.analysis = this.#node('analysis'));
    const relay = connectionSession(node, tcp(), RELAY);
    const way = via(relay, 'editor', 'forward_to_bank', 'secure');
    this.toBank = channelSession(node, way, { identity, trust: onlyPeer(bank.identifier) });
    const allow = fromPeers(bank.identifier);
    this.inlet = await inlet(node, { listen: '127.0.0.1:0', outlet: via(this.toBank, 'outlet'), allow, ...this.#options.inlet });
  }

  /** The machine of that node loses its power: nobody is told. */
  async crash(name: 'relay' | 'bank'): Promise<void> {
    this.network.crash(name);
    // What is left of it in this process must do nothing more.
    await this.clock.runUntil(this[name].stop());
  }

  async restart(name: 'relay' | 'bank'): Promise<void> {
    this.network.restart(name);
    if (name === 'bank') this.startBank();
    else await this.clock.runUntil(this.startRelay());
  }

  /** The process of that node is killed: its machine resets its connections at once. */
  async kill(name: 'relay' | 'bank'): Promise<void> {
    for (const other of ['relay', 'bank', 'analysis', 'database']) this.network.reset(name, other);
    await this.run(0);
    await this.crash(name);
    this.network.restart(name);
  }

  /** A client that connects to the inlet. */
  connect(): Promise<Program> {
    const program = new Program();
    const connected = this.network.host('analysis').connect(this.inlet.local, (stream) => {
      program.stream = stream;
      return program;
    });
    return this.clock.runUntil(connected.then(() => program));
  }

  run(ms: number): Promise<void> {
    return this.clock.run({ untilMs: this.clock.monotonicMs() + ms });
  }

  /** Runs until `isDone`, or that much time has passed. @returns how long it took */
  async until(isDone: () => boolean, msMax = 60_000): Promise<number> {
    const startMs = this.clock.monotonicMs();
    while (!isDone() && this.clock.monotonicMs() - startMs < msMax) {
      if (!this.clock.step(startMs + msMax)) break;
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
    return this.clock.monotonicMs() - startMs;
  }

  /** Runs until no stream is left at either end. @returns how many there still are */
  async untilIdle(msMax: number): Promise<number> {
    const left = () => this.inlet.streams + this.outlet.streams;
    await this.until(() => left() === 0, msMax);
    return left();
  }

  async stop(): Promise<void> {
    await this.clock.runUntil(Promise.all([this.analysis.stop(), this.bank.stop(), this.relay.stop()]));
  }

  #identity(offset: number): Promise<Identity> {
    return createIdentity({ clock: this.clock, random: seededRandom(this.#options.seed * 1_000 + offset) });
  }

  #node(name: string): Node {
    const random = seededRandom(this.#options.seed * 1_000 + 100 + this.#lives++);
    return new Node({ name, clock: this.clock, random, network: this.network.host(name), logger: silentLogger });
  }
}
