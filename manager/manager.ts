import type { Identity } from '../identities/identity.ts';
import type { IdentityRepository } from '../identities/repository.ts';
import { everyone, peers } from '../identities/trust.ts';
import { denialForms } from '../policies/denial-text.ts';
import type { Resource, ResourceSelector } from '../policies/resource.ts';
import type { AccessControl } from '../runtime/access-control.ts';
import { Address } from '../runtime/address.ts';
import { PosternError } from '../runtime/errors.ts';
import { formatHostPort, parseHostPort } from '../runtime/host-port.ts';
import { errorFields } from '../runtime/logger.ts';
import { parseMultiAddress } from '../runtime/multi-address.ts';
import type { Node } from '../runtime/node.ts';
import { randomName } from '../runtime/random.ts';
import type { Listener } from '../runtime/transport.ts';
import { type DecisionFile, openDecisionFile } from '../storage/decision-file.ts';
import { tcp } from '../transports/tcp.ts';
import { relayGrants } from '../workers/authority/relay-permission.ts';
import { echo } from '../workers/echo.ts';
import { hop } from '../workers/hop.ts';
import { outlet } from '../workers/portal/outlet.ts';
import { EPHEMERAL_SERVICE, NAMED_SERVICE } from '../workers/relay/relay-message.ts';
import { relayService } from '../workers/relay/relay-service.ts';
import { relaySession } from '../workers/relay/relay-session.ts';
import { type ChannelListener, secureChannelListener } from '../workers/secure-channel/secure-channel.ts';
import { AttestedSubjects } from '../workers/trust/attested-subjects.ts';
import { followRevocations } from '../workers/trust/follow-revocations.ts';
import { uppercase } from '../workers/uppercase.ts';
import { NodeAccess } from './access.ts';
import { type ChannelOptions, Channels } from './channels.ts';
import { Decisions, type ExplainRequest, type ExplanationStatus, type PlanRequest, type PlanStatus } from './decisions.ts';
import { ManagerError } from './errors.ts';
import { Exposure, type WayIn } from './exposure.ts';
import { LateInlet } from './late-inlet.ts';
import { type ChannelsBy, type Link, Links, type LinksOptions, type NodeNames } from './links.ts';
import type { HomeState, NodeRepository } from './ports.ts';
import { PROJECT_FRAME_BYTES_MAX } from './project/project.ts';
import { Outage } from './outage.ts';
import { REACH_MS, reached } from './reached.ts';
import { Resources, type Running } from './resources.ts';
import {
  inletOptions,
  type InletOptions,
  listenerOptions,
  type ListenerOptions,
  outletOptions,
  type OutletOptions,
  relayOptions,
  type RelayOptions,
  toSettings,
} from './settings.ts';
import type {
  DownStatus,
  Health,
  InletStatus,
  ListenerStatus,
  NodeStatus,
  OutletStatus,
  RelayStatus,
  ServiceStatus,
  WorkerStatus,
} from './status.ts';
import { NodeTcp } from './tcp.ts';
import { type NodeTrust, openTrust, projectNames, type TrustOptions } from './trust.ts';
import { workerAddress } from './worker-name.ts';

/** Where a node's record says where it listens. */
const LISTENS_AT = 'tcp_listener_address';
/** And where else, as long as it runs. */
const LISTENS_ALSO_AT = 'other_tcp_listener_addresses';
const LOOPBACK_ANY_PORT = '127.0.0.1:0';
const API = 'api';
/** An inlet or relay that is down for longer makes its node unhealthy. Source: command-line.md 4.5 */
const DOWN_MS = 60_000;
const RELAY_SERVICE: Resource = { name: 'forwarding_service', type: 'relay' };

export interface ManagerOptions {
  /** An empty one, by the name that it has in the home. It is the manager's from then on, and ends with it. */
  readonly node: Node;
  readonly identity: Identity;
  /** That of the identity: where credentials are kept. */
  readonly repository: IdentityRepository;
  /** What the home keeps; the store stays open. */
  readonly home: HomeState;
  readonly trust: TrustOptions;
  /** HOST:PORT. Default: a free port of loopback, at first; then always that. */
  readonly listen?: string;
  /** Services besides `echo`: by default `uppercase`, and a listener of channels called `api`; the relay service when it is asked for. */
  readonly services?: { readonly api?: ListenerOptions | false; readonly uppercase?: boolean; readonly relay?: boolean };
  /** Let channels lead to the same identity, as between nodes of one home. Default: no. */
  readonly allowSelf?: boolean;
  /** The other identities of the home, by name. They share the node's repository. */
  readonly identities?: (name: string) => Promise<Identity | undefined>;
  /** Whether what was written down begins again. Default: yes. */
  readonly restores?: boolean;
  /** A file for what policies deny, of this node alone: `HOME/nodes/NAME/decisions.log`. Default: it is known only as long as the node runs. */
  readonly decisionFile?: string;
}

/** With what a resource is made. */
export interface Allowed {
  /** A policy, stored as that of the resource. Default: that of its type. */
  readonly allow?: string;
}

/**
 * Starts a node as its operator knows it: default services, resources by name, and those that it had when it ended. What leads to
 * others need not be up: each resource tells how it stands.
 * @throws {TransportError} `TARGET_TEXT`, `LISTEN_FAILED`
 * @throws {ManagerError} `TRUST_OPTIONS`, `PROJECT_UNKNOWN`
 * @throws {PolicyError} for a policy in the store that is none
 * @throws {StorageError} for a file of denials that cannot be used
 */
export async function createManager(options: ManagerOptions): Promise<Manager> {
  const parts = await begin(options);
  const manager = new Manager(options, parts);
  try {
    await manager.start();
  } catch (thrown) {
    await manager.close();
    throw thrown;
  }
  return manager;
}

/** A message to whatever an address leads to. */
export interface SendOptions {
  /** A multi-address. */
  readonly to: string;
  readonly payload: Uint8Array;
  /** For the way, and again for the answer. Default: 10 s. */
  readonly timeoutMs?: number;
}

interface Parts {
  readonly listener: Listener;
  readonly tcp: NodeTcp;
  readonly links: Links;
  readonly exposure: Exposure;
  readonly access: NodeAccess;
  readonly subjects: AttestedSubjects | undefined;
  readonly trust: NodeTrust;
  readonly decisionFile: DecisionFile | undefined;
}

/** The order matters: what is trusted has to be known before anything is published. */
async function begin({ node, identity, repository, home, trust: asked, listen, decisionFile: file }: ManagerOptions): Promise<Parts> {
  const exposure = new Exposure(node);
  let access: NodeAccess | undefined;
  let decisionFile: DecisionFile | undefined;
  const beforeConnect = async (target: string) => {
    if (access?.isOpen === true && !(await isOfHome(home.nodes, target))) access.deny(`${target} is no node of this home`);
  };
  const onListening = ({ local }: Listener) => {
    if (!isLoopback(local.host)) access?.deny(`${formatHostPort(local)} is not loopback`);
  };
  const links = new Links(node, {
    transport: tcp(),
    transportApart: authorityTransport(),
    nodes: nodeNames(home.nodes),
    projects: projectNames(home.projects),
    beforeConnect,
    onSession: (session) => exposure.addWay(session, 'opened'),
    onSessionEnd: (session) => exposure.removeWay(session),
  });
  try {
    const trust = await openTrust({ node, identity, repository, projects: home.projects, heard: home.heard, links }, asked);
    const { authority, revocations } = trust;
    const subjects = authority && new AttestedSubjects({ authority, clock: node.clock, logger: node.logger });
    if (subjects && revocations) followRevocations(revocations, { subjects });
    access = await NodeAccess.restored(node, { repository: home.policies(node.name), subjects, isOpen: asked.kind === 'open' });
    const forFile = { forms: denialForms, clock: node.clock, logger: node.logger };
    decisionFile = file === undefined ? undefined : await openDecisionFile(file, access.log, forFile);
    const at = await listenAt(home.nodes, node.name, listen);
    const listener = await node.listen(tcp(), at);
    onListening(listener);
    const nodeTcp = new NodeTcp(node, { exposure, onListening, beforeConnect });
    return { listener, tcp: nodeTcp, links, exposure, access, subjects, trust, decisionFile };
  } catch (thrown) {
    await node.stop();
    await decisionFile?.close();
    throw thrown;
  }
}

/** A node with its resources. Everything shown is plain data. */
export class Manager implements AsyncDisposable {
  readonly node: Node;
  readonly identity: Identity;
  readonly access: NodeAccess;
  readonly links: Links;
  readonly #options: ManagerOptions;
  readonly #parts: Parts;
  readonly #services: ServiceStatus[] = [];
  readonly #channelListeners = new Map<string, ChannelListener>();
  readonly #channels: Channels;
  readonly #decisions: Decisions;
  /** Of the services that were started, those that have policies. */
  readonly #protectedServices: Resource[] = [];
  readonly #inlets: Resources<InletOptions, InletStatus>;
  /** Those of them that were begun. */
  readonly #begunInlets = new Set<LateInlet>();
  readonly #outlets: Resources<OutletOptions, OutletStatus>;
  readonly #relays: Resources<RelayOptions, RelayStatus>;
  readonly #listeners: Resources<ListenerOptions, ListenerStatus | undefined>;
  #closed: Promise<void> | undefined;

  /** @internal use `createManager` */
  constructor(options: ManagerOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
    this.node = options.node;
    this.identity = options.identity;
    this.access = parts.access;
    this.links = parts.links;
    const { resources } = options.home;
    this.#decisions = new Decisions({
      access: parts.access,
      resources: () => this.#protected(),
      file: options.decisionFile,
      logger: this.node.logger,
    });
    this.#channels = new Channels(this.node, this.links, parts.exposure, async (name) => this.#channelsBy(await this.#identityNamed(name)));
    this.#listeners = new Resources(this.node, resources, {
      kind: 'secure-channel-listener',
      begin: (listener) => this.#beginListener(listener),
      statusOfFailed: () => undefined,
      toSettings,
      fromSettings: listenerOptions,
    });
    this.#outlets = new Resources(this.node, resources, {
      kind: 'tcp-outlet',
      begin: (made) => Promise.resolve(this.#beginOutlet(made)),
      statusOfFailed: ({ name, to }) => outletStatus(name, to),
      toSettings,
      fromSettings: outletOptions,
    });
    this.#inlets = new Resources(this.node, resources, {
      kind: 'tcp-inlet',
      begin: (made, downSinceMs) => this.#beginInlet(made, downSinceMs),
      statusOfFailed: (made, lastError) => inletStatus(made, undefined, undefined, lastError),
      toSettings,
      fromSettings: inletOptions,
    });
    this.#relays = new Resources(this.node, resources, {
      kind: 'relay',
      begin: (relay, downSinceMs) => this.#beginRelay(relay, downSinceMs),
      statusOfFailed: (relay, lastError) => relayStatus(relay, undefined, undefined, lastError),
      toSettings,
      fromSettings: relayOptions,
    });
  }

  /** Accepts TCP clients here, and carries them to an outlet elsewhere. Its name is random unless given. */
  readonly inlets = {
    create: async ({ allow, name = this.#randomName(), ...options }: Partial<InletOptions> & Pick<InletOptions, 'to'> & Allowed) => {
      const listen = options.listen ?? LOOPBACK_ANY_PORT;
      return this.#allowing({ name }, allow, this.#inlets.has(name), async () => {
        // The port that was chosen now is the one after a restart, too.
        const chosen = await this.#freePort(listen);
        return this.#inlets.create({ ...options, name, listen: chosen });
      });
    },
    list: () => this.#inlets.list(),
    show: (name: string) => this.#inlets.show(name),
    delete: (name: string) => this.#forget(this.#inlets, name),
  };

  /** Lets others connect to one TCP server. */
  readonly outlets = {
    create: ({ allow, ...options }: OutletOptions & Allowed) =>
      this.#allowing({ name: options.name }, allow, this.#outlets.has(options.name), () => this.#outlets.create(options)),
    list: () => this.#outlets.list(),
    show: (name: string) => this.#outlets.show(name),
    delete: (name: string) => this.#forget(this.#outlets, name),
  };

  /** Makes this node reachable at another. */
  readonly relays = {
    create: (options: RelayOptions) => this.#relays.create(options),
    list: () => this.#relays.list(),
    show: (name: string) => this.#relays.show(name),
    delete: (name: string) => this.#relays.delete(name),
  };

  /** Listeners for secure channels beside `api`. */
  readonly listeners = {
    create: (options: ListenerOptions) => this.#listeners.create(options),
    list: (): ListenerStatus[] => [...this.#channelListeners.values()].map(listenerStatus),
    show: (name: string): ListenerStatus => {
      const listener = this.#channelListeners.get(name);
      if (listener === undefined) throw new ManagerError('RESOURCE_UNKNOWN', `The listener ${JSON.stringify(name)} was not found.`);
      return listenerStatus(listener);
    },
    delete: (name: string) => this.#listeners.delete(name),
  };

  /** Policies of resources by name, and of types. */
  readonly policies = {
    set: (selector: ResourceSelector, expression: string) => this.access.set(selector, expression),
    get: (selector: ResourceSelector) => this.access.get(selector)?.text,
    list: () => this.access.list(),
    delete: (selector: ResourceSelector) => this.access.delete(selector),
  };

  /** Where others connect to this node, the listener that it was started with first. Addresses are HOST:PORT or those of workers. */
  readonly tcpListeners = {
    create: async (at: string) => {
      const made = await this.#parts.tcp.listen(at);
      await this.#writeDown();
      return made;
    },
    list: () => this.#parts.tcp.listeners(),
    show: (address: string) => this.#parts.tcp.listener(address),
    delete: async (address: string) => {
      await this.#parts.tcp.closeListener(address);
      await this.#writeDown();
    },
  };

  /** Those that others opened, too. */
  readonly tcpConnections = {
    create: ({ to }: { readonly to: string }) => this.#parts.tcp.connect(to),
    list: () => this.#parts.tcp.connections(),
    show: (address: string) => this.#parts.tcp.connection(address),
    delete: (address: string) => this.#parts.tcp.closeConnection(address),
  };

  /** Channels that were opened by hand; inlets and relays have their own. Addresses are `/service/HEX` or `HEX`. */
  readonly channels = {
    create: (options: ChannelOptions) => this.#channels.create(options),
    list: () => this.#channels.list(),
    show: (address: string) => this.#channels.show(address),
    delete: (address: string) => this.#channels.delete(address),
  };

  readonly workers = {
    list: (): WorkerStatus[] => this.node.addresses.map(({ name }) => ({ addr: name })),
  };

  readonly services = {
    list: (): ServiceStatus[] => [...this.#services],
    /**
     * A service that passes on whatever reaches it, to what is published or out again: for demonstrations. It has the policies of `echo`.
     * @throws {RuntimeError} `ADDRESS_IN_USE`
     */
    startHop: (name = 'hop'): ServiceStatus => this.#startService(name, 'hop', hop, orFromHere),
  };

  readonly flowControls = {
    /**
     * Lets what comes in by a flow reach a worker of this node; the worker's own access control still counts.
     * @throws {ManagerError} `RESOURCE_UNKNOWN`
     */
    addConsumer: (id: string, address: string): void => this.#addConsumer(id, address),
  };

  /**
   * Sends a message and waits for one answer.
   * @returns the payload of the answer
   * @throws {ManagerError} `ADDRESS_ROUTE`, `PROJECT_UNKNOWN`, `WAY_DOWN`
   * @throws {RuntimeError} `REQUEST_TIMEOUT`: also when the other end refuses
   */
  async sendMessage({ to, payload, timeoutMs = REACH_MS }: SendOptions): Promise<Uint8Array> {
    const link = await this.open(to);
    try {
      const answer = await this.node.request(await reached(this.node, link, timeoutMs), payload, { timeoutMs });
      return answer.payload.slice();
    } finally {
      await link.close();
    }
  }

  /** Whether no inlet or relay is down for longer than a minute. */
  health(): Health {
    const nowMs = this.node.clock.monotonicMs();
    const down = [...this.#relays.down().map(downAs('relay', nowMs)), ...this.#inlets.down().map(downAs('tcp-inlet', nowMs))];
    const long = down.filter(({ downMs }) => downMs > DOWN_MS).map(({ shown }) => shown);
    return long.length === 0 ? { status: 'ok' } : { status: 'down', down: long };
  }

  /** What policies have denied, the latest first. */
  readonly decisions = {
    list: () => this.#decisions.list(),
    explain: (denial: Parameters<Decisions['explain']>[0]) => this.#decisions.explain(denial),
  };

  /** How the policy of a resource decides about somebody now, why, and what would turn it. @throws {ManagerError} `RESOURCE_UNKNOWN` */
  explain(request: ExplainRequest): ExplanationStatus {
    return this.#decisions.ask(request);
  }

  /** Who of these members reaches what here, and what changes of policies would turn. Nothing is changed. @throws {PolicyError} */
  plan(request: PlanRequest): PlanStatus {
    return this.#decisions.plan(request);
  }

  show(): NodeStatus {
    return {
      name: this.node.name,
      identifier: this.identity.identifier,
      listener: formatHostPort(this.#parts.listener.local),
      is_open: this.access.isOpen,
      transports: [...this.tcpListeners.list(), ...this.tcpConnections.list()],
      secure_channel_listeners: this.listeners.list(),
      inlets: this.inlets.list(),
      outlets: this.outlets.list(),
      relays: this.relays.list(),
      services: [...this.#services],
      policies: this.policies.list(),
    };
  }

  /** Opens a way to wherever a multi-address leads, as this node. Close it when done. @throws as `Links.open` */
  open(to: string, by: Partial<ChannelsBy> = {}): Promise<Link> {
    return this.links.open(parseMultiAddress(to), { ...this.#channelsBy(this.identity), ...by });
  }

  /** @internal */
  async start(): Promise<void> {
    const { listener, exposure } = this.#parts;
    exposure.addWay(listener, 'listener');
    await this.#openApi();
    this.#startServices();
    await this.#writeDown();
    if (this.#options.restores !== false) await this.#restore();
  }

  /** Ends the node. What is written down begins again at the next start. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.all([this.#inlets.close(), this.#relays.close(), this.#channels.close()]);
    await this.#parts.trust.close();
    this.access.close();
    this.#parts.subjects?.close();
    await this.node.stop();
    await this.#parts.decisionFile?.close();
  }

  async #openApi(): Promise<void> {
    const { api = { name: API } } = this.#options.services ?? {};
    if (api === false) return;
    await this.#beginListener(api);
    this.#services.push({ addr: api.name, type: 'secure_channel_listener' });
  }

  #startServices(): void {
    const { services = {} } = this.#options;
    this.#startService('echo', 'echo', echo);
    if (services.uppercase !== false) this.#startService('uppercase', 'uppercase', uppercase);
    if (services.relay === true) this.#startRelayService();
  }

  #startService(
    name: string,
    type: string,
    worker: Parameters<Node['start']>[1],
    around: (control: AccessControl) => AccessControl = (control) => control,
  ): ServiceStatus {
    const address = this.node.start(Address.local(name), worker);
    // One type of policy for all: an answer to whoever asks tells that somebody is here. Stricter than the original for `uppercase`.
    const resource: Resource = { name, type: 'echoer' };
    this.#protectedServices.push(resource);
    const allow = around(this.access.incoming(resource));
    this.#parts.exposure.add({ address, allow, by: ['listener', 'channels', 'opened'] });
    const service = { addr: name, type };
    this.#services.push(service);
    return service;
  }

  #startRelayService(): void {
    const { exposure, subjects } = this.#parts;
    this.#protectedServices.push(RELAY_SERVICE);
    const allow = this.access.incoming(RELAY_SERVICE);
    const grants = subjects && relayGrants(subjects, this.node.clock);
    const on = exposure.growingWays(['listener', 'channels'], (way) => {
      for (const address of [EPHEMERAL_SERVICE, NAMED_SERVICE, ...relays.relays]) this.node.publish(address, { on: way, allow });
    });
    const relays = relayService(this.node, { on, allow, allowTraffic: allow, ...grants });
    this.#services.push({ addr: 'forwarding_service', type: 'forwarding_service' });
    this.#services.push({ addr: 'static_forwarding_service', type: 'static_forwarding_service' });
  }

  async #writeDown(): Promise<void> {
    const local = formatHostPort(this.#parts.listener.local);
    await this.#options.home.nodes.change(this.node.name, (before) => {
      const others = this.tcpListeners.list().map(({ socket_addr }) => socket_addr);
      const state = { ...before?.state, [LISTENS_AT]: local, [LISTENS_ALSO_AT]: others.filter((at) => at !== local) };
      return { settings: before?.settings ?? {}, state };
    });
  }

  /** Listeners first, as outlets are published on their channels; then what others reach; then what reaches others. */
  async #restore(): Promise<void> {
    const stored = await this.#options.home.resources.of(this.node.name);
    const groups = [
      ['secure-channel-listener', this.#listeners],
      ['tcp-outlet', this.#outlets],
      ['relay', this.#relays],
      ['tcp-inlet', this.#inlets],
    ] as const;
    for (const [kind, resources] of groups) {
      for (const each of stored.filter((resource) => resource.kind === kind)) {
        try {
          await resources.restore(each.name, each.settings);
        } catch (thrown) {
          if (!(thrown instanceof PosternError)) throw thrown;
          this.node.logger.log('error', 'resource.unreadable', { kind, name: each.name, ...errorFields(thrown) });
        }
      }
    }
  }

  async #beginListener({ name, authorized, identity }: ListenerOptions): Promise<Running<ListenerStatus>> {
    const { exposure } = this.#parts;
    const by = await this.#identityNamed(identity);
    const listener = secureChannelListener(this.node, Address.local(name), {
      ...this.#channelsBy(by),
      trust: authorized === undefined ? everyone : peers(authorized),
      on: exposure.ways('listener', 'channels', 'opened'),
    });
    this.#channelListeners.set(name, listener);
    // Also by its own channels: channels go inside channels.
    exposure.addWay(listener, 'channels');
    exposure.add({ address: listener.address, allow: everyone, by: ['listener', 'channels', 'opened'] });
    return {
      status: listenerStatus(listener),
      close: async () => {
        this.#channelListeners.delete(name);
        exposure.remove(listener.address);
        exposure.removeWay(listener);
        await listener.close();
        await Promise.all([...listener.channels].map((channel) => channel.close()));
      },
    };
  }

  #beginOutlet({ name, to }: OutletOptions): Running<OutletStatus> {
    const { exposure } = this.#parts;
    const allow = this.access.incoming({ name, type: 'tcp-outlet' });
    // By plain connections only where nobody is asked who comes; a policy would refuse them anyway.
    const by: WayIn[] = this.access.isOpen ? ['listener', 'channels', 'opened'] : ['channels'];
    const made = outlet(this.node, { address: Address.local(name), target: to, on: exposure.ways(...by), allow });
    exposure.add({ address: made.address, allow, by });
    return {
      status: outletStatus(name, to),
      close: async () => {
        exposure.remove(made.address);
        await made.close();
      },
    };
  }

  async #beginInlet(options: InletOptions, downSinceMs?: number): Promise<Running<InletStatus>> {
    const { name, listen, to, authorized, identity } = options;
    const by = await this.#identityNamed(identity);
    const link = await this.links.open(parseMultiAddress(to), { ...this.#channelsBy(by), ...(authorized && { authorized }) });
    const resource: Resource = { name, type: 'tcp-inlet' };
    const made = new LateInlet(this.node, {
      listen,
      outlet: link,
      allow: this.access.incoming(resource),
      allowTo: this.access.outgoing(resource),
    });
    const end = async () => {
      this.#begunInlets.delete(made);
      await made.close();
      await link.close();
    };
    try {
      const others = [...this.#begunInlets];
      this.#begunInlets.add(made);
      await made.begin(others);
    } catch (thrown) {
      await end();
      throw thrown;
    }
    const outage = new Outage(this.node.clock, made, downSinceMs);
    return {
      outage,
      get status() {
        return inletStatus(options, link, made, undefined);
      },
      close: async () => {
        outage.close();
        await end();
      },
    };
  }

  async #beginRelay(options: RelayOptions, downSinceMs?: number): Promise<Running<RelayStatus>> {
    const { name, at, address = name, authorized } = options;
    const link = await this.open(at, authorized && { authorized });
    const { flow } = link;
    if (flow === undefined) {
      await link.close();
      throw new ManagerError('ADDRESS_ROUTE', `${at} leads to this node itself: name the node at which it is to be reachable.`);
    }
    let worker: Address | undefined;
    const session = relaySession(this.node, relayWay(link, flow), {
      name: address,
      onRegistered: (relay) => {
        worker = relay.worker;
      },
    });
    const outage = new Outage(this.node.clock, session, downSinceMs);
    return {
      outage,
      get status() {
        return relayStatus(options, link, { session, worker }, undefined);
      },
      close: async () => {
        outage.close();
        await session.close();
        await link.close();
      },
    };
  }

  #protected(): Resource[] {
    const outlets = this.outlets.list().map(({ worker_addr: name }): Resource => ({ name, type: 'tcp-outlet' }));
    const inlets = this.inlets.list().map(({ alias: name }): Resource => ({ name, type: 'tcp-inlet' }));
    return [...outlets, ...inlets, ...this.#protectedServices];
  }

  #addConsumer(id: string, address: string): void {
    const { node } = this;
    const flows = [...node.listeners, ...node.connections, ...this.#parts.exposure.ways('listener', 'channels', 'opened')];
    if (!flows.some(({ flow }) => flow.id === id))
      throw new ManagerError(
        'RESOURCE_UNKNOWN',
        `Flow control ${JSON.stringify(id)} was not found on node ${node.name}: list what has one.`,
      );
    const worker = workerAddress(address);
    if (!node.addresses.some((each) => each.equals(worker)))
      throw new ManagerError('RESOURCE_UNKNOWN', `Worker ${JSON.stringify(address)} was not found on node ${node.name}: list them.`);
    node.flows.addConsumer(worker, id);
  }

  #channelsBy(identity: Identity): ChannelsBy {
    const { trust, subjects } = this.#parts;
    const credential = identity.identifier === this.identity.identifier ? trust.credential : trust.credentialOf(identity);
    return {
      identity,
      ...(trust.authority && { authorities: [trust.authority] }),
      ...(subjects && { onCredentials: subjects.learn }),
      ...(trust.revocations && { revocations: trust.revocations }),
      ...(credential && { credential }),
      ...(this.#options.allowSelf === true && { allowSelf: true }),
    };
  }

  async #identityNamed(name: string | undefined): Promise<Identity> {
    if (name === undefined) return this.identity;
    const identity = await this.#options.identities?.(name);
    if (identity === undefined)
      throw new ManagerError('RESOURCE_UNKNOWN', `The identity ${JSON.stringify(name)} was not found: create it first.`);
    // By its own name the node is itself, with its credential.
    return identity.identifier === this.identity.identifier ? this.identity : identity;
  }

  /** Stores the policy first: the resource is never there without. */
  async #allowing<Made>(
    selector: { readonly name: string },
    allow: string | undefined,
    isTaken: boolean,
    make: () => Promise<Made>,
  ): Promise<Made> {
    if (allow === undefined || isTaken) return make();
    const before = this.access.get(selector)?.text;
    await this.access.set(selector, allow);
    try {
      return await make();
    } catch (thrown) {
      if (before === undefined) await this.access.delete(selector);
      else await this.access.set(selector, before);
      throw thrown;
    }
  }

  /** A portal's end takes its own policy with it. */
  async #forget(resources: { delete(name: string): Promise<void> }, name: string): Promise<void> {
    await resources.delete(name);
    await this.access.delete({ name });
  }

  async #freePort(listen: string): Promise<string> {
    const wanted = parseHostPort(listen);
    if (wanted.port !== 0) return listen;
    for (;;) {
      const probe = await this.node.network.listen(wanted, () => undefined);
      await probe.close();
      // The system knows nothing of inlets that do not listen yet.
      if (![...this.#begunInlets].some((each) => each.hasPort(probe.local))) return formatHostPort(probe.local);
    }
  }

  #randomName(): string {
    return randomName(this.node.random).slice(0, 8);
  }
}

/** Lists of an authority may be long. Source: decisions.md B2 */
function authorityTransport(): LinksOptions['transport'] {
  const transport = tcp();
  const connect: typeof transport.connect = (node, target, options) =>
    transport.connect(node, target, { ...options, frameBytesMax: PROJECT_FRAME_BYTES_MAX });
  return { ...transport, connect };
}

/** Lets in what began on this node, too: the answers that go back through a hop. */
function orFromHere(control: AccessControl): AccessControl {
  return { allows: (message) => message.flow === undefined || control.allows(message) };
}

/** Where nodes of a home listen, as they have written it down. */
function nodeNames(nodes: NodeRepository): NodeNames {
  return {
    targetOf: async (name) => {
      const target = (await nodes.get(name))?.state[LISTENS_AT];
      return typeof target === 'string' ? target : undefined;
    },
  };
}

/** The same port as before, unless another one is asked for. */
async function listenAt(nodes: NodeRepository, name: string, listen = LOOPBACK_ANY_PORT): Promise<string> {
  const wanted = parseHostPort(listen);
  const before = (await nodes.get(name))?.state[LISTENS_AT];
  if (wanted.port !== 0 || typeof before !== 'string') return listen;
  return parseHostPort(before).host === wanted.host ? before : listen;
}

async function isOfHome(nodes: NodeRepository, target: string): Promise<boolean> {
  const { host, port } = parseHostPort(target);
  if (!isLoopback(host)) return false;
  const listening = (await nodes.list())
    .flatMap(({ state }) => [state[LISTENS_AT], state[LISTENS_ALSO_AT]].flat())
    .filter((at) => typeof at === 'string');
  return listening.map(parseHostPort).some((at) => isLoopback(at.host) && at.port === port);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** How one that is down shows, and for how long it is. */
function downAs(kind: DownStatus['kind'], nowMs: number) {
  return ({ name, sinceMs, status }: { name: string; sinceMs: number; status: InletStatus | RelayStatus }) => {
    const downMs = nowMs - sinceMs;
    const shown: DownStatus = { kind, name, down_seconds: Math.floor(downMs / 1_000), last_failure: status.last_failure };
    return { downMs, shown };
  };
}

function relayWay(link: Link, flow: NonNullable<Link['flow']>): Parameters<typeof relaySession>[1] {
  return {
    flow,
    get current() {
      return link.current;
    },
    onChange: (listener) => link.onChange(listener),
    need: () => link.need(),
  };
}

function listenerStatus({ address, flow }: ChannelListener): ListenerStatus {
  return { address: address.name, flow_control_id: flow.id, is_key_exchange_only: false };
}

function outletStatus(name: string, to: string): OutletStatus {
  return { to, worker_addr: name, payload: null };
}

function inletStatus(
  { name, listen, to }: InletOptions,
  link: Link | undefined,
  made: LateInlet | undefined,
  lastError: string | undefined,
): InletStatus {
  const current = made?.current;
  const sessions = link?.sessions ?? [];
  return {
    alias: name,
    bind_addr: formatHostPort(parseHostPort(listen)),
    worker_addr: made?.address.name ?? null,
    payload: null,
    outlet_route: current?.toString() ?? null,
    status: current === undefined ? 'Down' : 'Up',
    outlet_addr: to,
    last_failure: lastError ?? made?.lastError ?? sessions.findLast((each) => each.lastError !== undefined)?.lastError ?? null,
    sessions,
  };
}

function relayStatus(
  { name, at }: RelayOptions,
  link: Link | undefined,
  made: { readonly session: ReturnType<typeof relaySession>; readonly worker: Address | undefined } | undefined,
  lastError: string | undefined,
): RelayStatus {
  const current = made?.session.current;
  const sessions = [...(link?.sessions ?? []), ...(made ? [made.session.status] : [])];
  return {
    name,
    destination_address: at,
    forwarding_route: current?.toString() ?? null,
    remote_address: current?.recipient.name ?? null,
    worker_address: (current && made.worker?.name) ?? null,
    flow_control_id: link?.flow?.id ?? null,
    connection_status: current === undefined ? 'Down' : 'Up',
    last_failure: lastError ?? sessions.findLast((each) => each.lastError !== undefined)?.lastError ?? null,
    sessions,
  };
}
