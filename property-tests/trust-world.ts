import { createIdentity, type Identity } from '../identities/identity.ts';
import { everyone } from '../identities/trust.ts';
import { DecisionLog } from '../policies/decision-log.ts';
import { PolicyGate } from '../policies/policy-access-control.ts';
import type { Resource } from '../policies/resource.ts';
import { ResourcePolicies } from '../policies/resource-policies.ts';
import { allowEveryone } from '../runtime/access-control.ts';
import type { LogFields } from '../runtime/logger.ts';
import { Node } from '../runtime/node.ts';
import { type Route, route } from '../runtime/route.ts';
import type { Listener } from '../runtime/transport.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { NodeClock, type Skew } from '../simulation/node-clock.ts';
import { seededRandom } from '../simulation/random.ts';
import { tcp } from '../transports/tcp.ts';
import { echo } from '../workers/echo.ts';
import { relayGrants } from '../workers/authority/relay-permission.ts';
import { type Inlet, inlet } from '../workers/portal/inlet.ts';
import { type Outlet, outlet } from '../workers/portal/outlet.ts';
import { relayService, type RelayService } from '../workers/relay/relay-service.ts';
import { type CredentialSource, fixedCredential } from '../workers/secure-channel/credential-source.ts';
import { peerOf } from '../workers/secure-channel/local-info.ts';
import {
  type ChannelListener,
  type SecureChannel,
  secureChannel,
  secureChannelListener,
} from '../workers/secure-channel/secure-channel.ts';
import { AttestedSubjects } from '../workers/trust/attested-subjects.ts';
import { Program, TARGET_PORT } from './portal-world.ts';

export const OUTLET: Resource = { name: 'outlet', type: 'tcp-outlet' };
export const INLET: Resource = { name: 'inlet', type: 'tcp-inlet' };
export const RELAY: Resource = { name: 'forwarding_service', type: 'relay' };
export const ECHO: Resource = { name: 'echo', type: 'echoer' };

export interface TrustWorldOptions {
  /** Whether the nodes have an authority. Default: yes. */
  readonly hasAuthority?: boolean;
  /** Whether both nodes are on one machine and meet over loopback. Default: no. */
  readonly isLoopback?: boolean;
  readonly latencyMs?: number;
  /** By how many seconds the clock of a node is wrong from the beginning, also when it makes its keys. Default: 0. */
  readonly skews?: { readonly server?: number; readonly client?: number };
}

/** A node with everything that decides who may use it. */
export interface TrustNode {
  readonly node: Node;
  readonly host: string;
  readonly skew: Skew;
  readonly clock: NodeClock;
  readonly identity: Identity;
  readonly subjects: AttestedSubjects | undefined;
  readonly policies: ResourcePolicies;
  readonly log: DecisionLog;
  readonly gate: PolicyGate;
  readonly listener: Listener;
  readonly channels: ChannelListener;
  /** What the node logged. */
  readonly lines: { readonly event: string; readonly fields: LogFields }[];
}

/** A server with an echo, an outlet, a relay service and an inlet, each behind its policy, and a client that wants to use them. */
export class TrustWorld {
  readonly clock = new SimulatedClock();
  readonly network: SimulatedNetwork;
  readonly options: TrustWorldOptions;
  authority!: Identity;
  server!: TrustNode;
  client!: TrustNode;
  outlet!: Outlet;
  relays!: RelayService;
  /** What the server's outlet has connected, newest last. */
  readonly targets: Program[] = [];
  #seed = 1;

  private constructor(options: TrustWorldOptions) {
    this.options = options;
    this.network = new SimulatedNetwork({ clock: this.clock, latencyMs: options.latencyMs ?? 1 });
  }

  static async make(options: TrustWorldOptions = {}): Promise<TrustWorld> {
    const world = new TrustWorld(options);
    await world.run(world.#begin());
    return world;
  }

  run<Value>(promise: Promise<Value>): Promise<Value> {
    return this.clock.runUntil(promise);
  }

  pass(ms: number): Promise<void> {
    return this.clock.run({ untilMs: this.clock.monotonicMs() + ms });
  }

  identity(): Promise<Identity> {
    return createIdentity({ clock: this.clock, random: seededRandom(this.#seed++) });
  }

  /** A credential of an issuer, by default of the authority for the client. */
  async issue(
    attributes: Readonly<Record<string, string>>,
    { by = this.authority, to = this.client.identity, lifeSeconds = 3_600 }: { by?: Identity; to?: Identity; lifeSeconds?: number } = {},
  ): Promise<Uint8Array> {
    await by.importHistory(await to.exportHistory());
    return by.issueCredential(to.identifier, attributes, { lifeSeconds });
  }

  async connect(from: TrustNode = this.client, to: TrustNode = this.server): Promise<Route> {
    const host = this.options.isLoopback === true ? '127.0.0.1' : to.host;
    return (await this.run(from.node.connect(tcp(), `${host}:${to.listener.local.port}`))).route;
  }

  /** From the client to the server. */
  async open(credential?: Uint8Array | CredentialSource): Promise<SecureChannel> {
    const source = credential instanceof Uint8Array ? fixedCredential(credential) : credential;
    const { node, identity } = this.client;
    const to = route(await this.connect(), 'api');
    const opened = await this.run(
      secureChannel(node, to, { identity, trust: everyone, ...this.#authorities(this.client), ...(source && { credential: source }) }),
    );
    // The server opens its end when it has verified the client.
    for (let waitedMs = 0; waitedMs < 500 && this.server.channels.channels.size === 0; waitedMs += 10) await this.pass(10);
    return opened;
  }

  /** Another node that knows nobody. */
  stranger(name: string): Promise<TrustNode> {
    return this.run(this.#trustNode(name, 4_002));
  }

  /** An inlet of a node that leads to an outlet. */
  inlet(at: TrustNode, to: Route, options: Partial<Parameters<typeof inlet>[1]> = {}): Promise<Inlet> {
    return this.run(inlet(at.node, { listen: '127.0.0.1:0', outlet: to, allow: allowEveryone, pongTimeoutMs: 100, ...options }));
  }

  /** A program on the machine of a node that connects to its inlet. */
  connectTo(at: TrustNode, { local }: Inlet): Promise<Program> {
    const program = new Program();
    const connected = this.network.host(at.host).connect(local, (stream) => {
      program.stream = stream;
      return program;
    });
    return this.run(connected.then(() => program));
  }

  /** A target that keeps what it reads and sends it back, on the machine of a node. */
  async target(at: TrustNode): Promise<void> {
    await this.network.host(at.host).listen({ host: '127.0.0.1', port: TARGET_PORT + (at === this.client ? 1 : 0) }, (stream) => {
      const program = new Program();
      program.stream = stream;
      this.targets.push(program);
      let returned = 0;
      program.onMore = () => {
        for (; returned < program.chunks.length; returned++) stream.write([program.chunks[returned]!]);
        if (program.hasEnd) stream.end();
      };
      return program;
    });
  }

  async stop(): Promise<void> {
    this.server.subjects?.close();
    this.client.subjects?.close();
    await this.run(Promise.all([this.server.node.stop(), this.client.node.stop()]));
  }

  async #begin(): Promise<void> {
    this.authority = await this.identity();
    this.server = await this.#trustNode('server', 4_000);
    this.client = await this.#trustNode('client', 4_001);
    const { node, gate, listener, channels, subjects, clock } = this.server;
    const on = [listener, channels];
    node.start('echo', echo);
    node.publish('echo', { on, allow: gate.incoming(ECHO) });
    this.outlet = outlet(node, { target: `127.0.0.1:${TARGET_PORT}`, on, allow: gate.incoming(OUTLET) });
    this.relays = relayService(node, { on, allow: gate.incoming(RELAY), ...(subjects && relayGrants(subjects, clock)) });
    await this.target(this.server);
    await this.target(this.client);
  }

  async #trustNode(name: string, port: number): Promise<TrustNode> {
    const host = this.options.isLoopback === true ? 'one' : name;
    const skew: Skew = { seconds: this.options.skews?.[name === 'server' ? 'server' : 'client'] ?? 0 };
    const clock = new NodeClock(this.clock, skew);
    const lines: { event: string; fields: LogFields }[] = [];
    const logger = { log: (_level: string, event: string, fields: LogFields = {}) => void lines.push({ event, fields }) };
    const node = new Node({ name, clock, random: seededRandom(this.#seed++), network: this.network.host(host), logger });
    const identity = await createIdentity({ clock, random: seededRandom(this.#seed++) });
    await identity.importHistory(await this.authority.exportHistory(), { keep: true });
    const subjects =
      this.options.hasAuthority === false ? undefined : new AttestedSubjects({ authority: this.authority.identifier, clock, logger });
    const policies = ResourcePolicies.restored();
    const log = new DecisionLog({ clock });
    const gate = new PolicyGate({ policies, subjects, log, clock, logger, peerOf, terminal: (address) => node.terminal(address) });
    const listener = await node.listen(tcp(), `${this.options.isLoopback === true ? '127.0.0.1' : '0.0.0.0'}:${port}`);
    const trusted = { node, host, skew, clock, identity, subjects, policies, log, gate, listener, lines };
    const channels = secureChannelListener(node, 'api', { identity, trust: everyone, on: listener, ...this.#authorities({ subjects }) });
    return { ...trusted, channels };
  }

  #authorities({ subjects }: Pick<TrustNode, 'subjects'>) {
    return subjects === undefined ? {} : { authorities: [subjects.authority], onCredentials: subjects.learn };
  }
}
