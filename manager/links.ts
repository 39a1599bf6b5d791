import type { Identifier } from '../identities/identifier.ts';
import { everyone, onlyPeer, peers, type TrustPolicy } from '../identities/trust.ts';
import { Address } from '../runtime/address.ts';
import type { Flow } from '../runtime/flow-control.ts';
import type { MultiAddress } from '../runtime/multi-address.ts';
import type { Node } from '../runtime/node.ts';
import { Route, route } from '../runtime/route.ts';
import type { Transport } from '../runtime/transport.ts';
import { fixedWay, via, type Way } from '../runtime/way.ts';
import { channelSession, type ChannelSessionOptions } from '../workers/secure-channel/channel-session.ts';
import { maintain, type Session, type SessionStatus } from '../workers/session/session.ts';
import { ManagerError } from './errors.ts';
import { type Step, stepsOf } from './resolve.ts';

/** Where other nodes of this home listen. Asked at each attempt to connect, so that a node may come back elsewhere. */
export interface NodeNames {
  /** @returns HOST:PORT; undefined while there is no such node, or it does not listen */
  targetOf(name: string): Promise<string | undefined>;
}

/** What leads to a project. Asked when a way through it is opened. */
export interface ProjectNames {
  project(name: string): Promise<ProjectEntrance | undefined>;
}

export interface ProjectEntrance {
  /** The only identity that may be at the other end. */
  readonly identity: Identifier;
  /** Through a host and a port to the project's listener, which is last. */
  readonly route: MultiAddress;
}

/** Who opens the channels on a way, and whom they may lead to. */
export interface ChannelsBy extends Omit<ChannelSessionOptions, 'trust' | 'flow' | 'name' | 'isNeeded' | 'attemptTimeoutMs'> {
  /**
   * Who may be at the end of the last channel; default: everyone. Those before it only carry it, and a project is always its own
   * identity.
   */
  readonly authorized?: readonly Identifier[];
}

export interface LinksOptions {
  readonly transport: Transport<{ readonly flow?: Flow; readonly signal?: AbortSignal }>;
  /** For ways that stand apart. Default: the same. */
  readonly transportApart?: LinksOptions['transport'];
  readonly nodes: NodeNames;
  readonly projects: ProjectNames;
  /** Awaited before each attempt to connect: HOST:PORT. */
  readonly beforeConnect?: (target: string) => Promise<void>;
  /** Called for each flow by which messages of others come in, as soon as it is there: publish on it what they may reach. */
  readonly onSession?: (session: Session) => void;
  /** Called when it is over. */
  readonly onSessionEnd?: (session: Session) => void;
}

export interface OpenOptions {
  /**
   * Whether the way shares nothing with others, so that no traffic of theirs can hold it up, and nothing of this node is published on it.
   * Default: no.
   */
  readonly isApart?: boolean;
}

/** A way that a multi-address leads by, as long as it is not closed. */
export interface Link extends Way {
  readonly address: MultiAddress;
  /** By which what is sent back comes in; undefined for a way that stays on this node. */
  readonly flow: Flow | undefined;
  /** Of what has to be up, from the near end to the far one. */
  readonly sessions: readonly SessionStatus[];
  /** The first hop of the way, the connection or channel: its own node's `echo` is behind it. */
  readonly end: Way;
  /** Ends what nobody else uses. */
  close(): Promise<void>;
}

interface Shared {
  readonly key: string;
  readonly session: Session;
  readonly over: Shared | undefined;
  users: number;
}

/**
 * The ways of a node to others, by multi-address. What two ways have in common from the beginning is made once, and closed with
 * the last of them. Source: routing.md 7.5, whose rewriting would miss a channel that directly follows another
 */
export class Links {
  readonly #node: Node;
  readonly #options: LinksOptions;
  readonly #shared = new Map<string, Shared>();
  /** Credentials given for one way only make its channels nobody else's. */
  readonly #sources = new WeakMap<object, number>();
  #sourceCount = 0;
  #apartCount = 0;

  constructor(node: Node, options: LinksOptions) {
    this.#node = node;
    this.#options = options;
  }

  /**
   * Begins to make what the address asks for; it need not be up when this returns.
   * @throws {ManagerError} `ADDRESS_ROUTE`, `PROJECT_UNKNOWN`
   */
  async open(address: MultiAddress, by: ChannelsBy, { isApart = false }: OpenOptions = {}): Promise<Link> {
    const steps = stepsOf(address);
    const entrance = await this.#entranceOf(steps);
    const lastChannel = steps.findLastIndex(({ kind }) => kind === 'channel');
    let last: Shared | undefined;
    let hops: Address[] = [];
    let prefix = isApart ? `apart ${(this.#apartCount += 1)} ` : '';
    const take = (key: string, make: (over: Way) => Session): void => {
      last = this.#take(`${prefix}${key}`, last, make, isApart);
      prefix = `${prefix}${key}`;
      hops = [];
    };
    const channel = (listener: string, trust: TrustPolicy, to: string) => {
      const through = [...hops, Address.local(listener)];
      const text = through.map(({ name }) => `/${name}`).join('');
      take(` channel ${JSON.stringify(text)} ${this.#keyOf(by)} ${to}`, (over) => this.#channel(over, through, by, trust, text));
    };
    for (const [index, step] of steps.entries()) {
      switch (step.kind) {
        case 'connection':
          take(`connection ${step.target}`, () => this.#connection(step.target, () => Promise.resolve(step.target), isApart));
          break;
        case 'node':
          take(`node ${step.name}`, () => this.#connection(`node ${step.name}`, () => this.#targetOf(step.name), isApart));
          break;
        case 'project': {
          const { target, before, listener, identity } = entrance as Entrance;
          take(`connection ${target}`, () => this.#connection(target, () => Promise.resolve(target), isApart));
          hops = before.map((name) => Address.local(name));
          channel(listener, onlyPeer(identity), identity);
          break;
        }
        case 'channel': {
          const authorized = index === lastChannel ? by.authorized : undefined;
          channel(step.listener, authorized === undefined ? everyone : peers(authorized), authorized?.toSorted().join() ?? '*');
          break;
        }
        case 'hop':
          hops.push(Address.local(step.address));
      }
    }
    return this.#link(address, last, hops);
  }

  #link(address: MultiAddress, last: Shared | undefined, hops: readonly Address[]): Link {
    const end: Way = last?.session ?? fixedWay(Route.empty);
    const way = via(end, ...hops);
    let isClosed = false;
    return {
      address,
      end,
      flow: last?.session.flow,
      get current() {
        return way.current;
      },
      onChange: (listener) => way.onChange(listener),
      need: () => way.need(),
      get sessions() {
        return chainOf(last).map(({ session }) => session.status);
      },
      close: async () => {
        if (isClosed) return;
        isClosed = true;
        await this.#release(last);
      },
    };
  }

  #take(key: string, over: Shared | undefined, make: (over: Way) => Session, isApart: boolean): Shared {
    const known = this.#shared.get(key);
    if (known !== undefined) {
      known.users += 1;
      // The one that is there holds what it is built on; this walk has taken that, too.
      void this.#release(over);
      return known;
    }
    const session = make(over?.session ?? fixedWay(Route.empty));
    const shared: Shared = { key, session, over, users: 1 };
    this.#shared.set(key, shared);
    if (!isApart) this.#options.onSession?.(session);
    return shared;
  }

  async #release(shared: Shared | undefined): Promise<void> {
    if (shared === undefined) return;
    shared.users -= 1;
    if (shared.users > 0) return;
    this.#shared.delete(shared.key);
    this.#options.onSessionEnd?.(shared.session);
    await shared.session.close();
    await this.#release(shared.over);
  }

  #connection(name: string, target: () => Promise<string>, isApart: boolean): Session {
    const { beforeConnect, transportApart } = this.#options;
    const transport = (isApart ? transportApart : undefined) ?? this.#options.transport;
    return maintain(this.#node, {
      name: `connection to ${name}`,
      make: async ({ signal, flow }) => {
        const to = await target();
        await beforeConnect?.(to);
        signal.throwIfAborted();
        const connection = await this.#node.connect(transport, to, { signal, flow });
        return {
          route: connection.route,
          closed: connection.closed,
          close: () => connection.close(),
          ping: route(connection, 'echo'),
        };
      },
    });
  }

  #channel(over: Way, through: readonly Address[], by: ChannelsBy, trust: TrustPolicy, text: string): Session {
    const { authorized: _authorized, ...setup } = by;
    return channelSession(this.#node, via(over, ...through), { ...setup, trust, name: `channel to ${text}` });
  }

  async #targetOf(name: string): Promise<string> {
    const target = await this.#options.nodes.targetOf(name);
    if (target === undefined)
      throw new ManagerError('NODE_UNKNOWN', `There is no node ${JSON.stringify(name)} here that listens: start it; it is found then.`);
    return target;
  }

  async #entranceOf([first]: readonly Step[]): Promise<Entrance | undefined> {
    if (first?.kind !== 'project') return undefined;
    const project = await this.#options.projects.project(first.name);
    if (project === undefined)
      throw new ManagerError('PROJECT_UNKNOWN', `Project ${JSON.stringify(first.name)} is not known here: enroll in it, or import it.`);
    const [connection, ...services] = stepsOf(project.route);
    const names = services.map((step) => (step.kind === 'channel' ? step.listener : step.kind === 'hop' ? step.address : ''));
    const listener = names.at(-1);
    if (connection?.kind !== 'connection' || listener === undefined)
      throw new ManagerError(
        'ADDRESS_ROUTE',
        `The route to project ${JSON.stringify(first.name)} names no host, or no listener: import it anew.`,
      );
    return { target: connection.target, before: names.slice(0, -1), listener, identity: project.identity };
  }

  /** Channels of another identity, or with other credentials, are other channels. */
  #keyOf({ identity, credential }: ChannelsBy): string {
    if (credential === undefined) return identity.identifier;
    let number = this.#sources.get(credential);
    if (number === undefined) this.#sources.set(credential, (number = this.#sourceCount += 1));
    return `${identity.identifier} ${number}`;
  }
}

/** A project's entrance, taken apart. */
interface Entrance {
  readonly target: string;
  readonly before: readonly string[];
  readonly listener: string;
  readonly identity: Identifier;
}

function chainOf(last: Shared | undefined): Shared[] {
  return last === undefined ? [] : [...chainOf(last.over), last];
}
