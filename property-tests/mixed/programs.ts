import { createIdentity, type Identity } from '../../identities/identity.ts';
import type { Identifier } from '../../identities/identifier.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import { everyone, type TrustPolicy } from '../../identities/trust.ts';
import { type AccessControl, allowEveryone, allowNobody } from '../../runtime/access-control.ts';
import type { Context } from '../../runtime/context.ts';
import type { Message } from '../../runtime/message.ts';
import type { HostPort } from '../../runtime/network.ts';
import type { HasFlow, Node } from '../../runtime/node.ts';
import { via } from '../../runtime/way.ts';
import type { Worker } from '../../runtime/worker.ts';
import { Adversary } from '../../simulation/adversary.ts';
import type { World } from '../../simulation/world.ts';
import type { Home } from '../../simulation/world-node.ts';
import { tcp } from '../../transports/tcp.ts';
import { echo } from '../../workers/echo.ts';
import { hop } from '../../workers/hop.ts';
import { inlet } from '../../workers/portal/inlet.ts';
import { outlet } from '../../workers/portal/outlet.ts';
import { relayService } from '../../workers/relay/relay-service.ts';
import { relaySession } from '../../workers/relay/relay-session.ts';
import { channelSession } from '../../workers/secure-channel/channel-session.ts';
import { fromAnyPeer, peerOf } from '../../workers/secure-channel/local-info.ts';
import { secureChannelListener } from '../../workers/secure-channel/secure-channel.ts';
import { connectionSession } from '../../workers/session/connection-session.ts';
import type { Session } from '../../workers/session/session.ts';
import type { Plan } from './plan.ts';
import { service, SERVICE_PORT, type Talk } from './talk.ts';

/** What a hub's listener skips. */
const HUB_FRAME_BYTES = 96 * 1_024;
/** How many unknown connections from one address a hub takes. */
const STRANGERS = 6;
/** How many relays one party may have. */
const RELAYS_PER_OWNER = 3;
/** An outlet whose target never answers gives up after so long. */
const DIAL_MS = 2_000;

/** What a client program leaves for the errands: of its present life. */
export interface Desk {
  readonly home: Home;
  readonly toHub: Session;
  readonly channel: Session;
  /** Where its inlets listen, by what lies behind them. */
  readonly inlets: Readonly<Record<Behind, HostPort>>;
}
export type Behind = 'service' | 'refused' | 'unknown' | 'silent' | 'narrow';

/** What a run knows beyond its nodes. */
export class Stage {
  readonly plan: Plan;
  readonly world: World;
  /** Who is who: an operator enrols a node anew that has lost its disk. */
  readonly directory = new Map<string, Identifier>();
  readonly talks = new Map<number, Talk>();
  readonly sieves = new Map<string, Sieve>();
  client: Desk | undefined;
  guest: { readonly home: Home; readonly toHub: Session } | undefined;

  constructor(world: World, plan: Plan) {
    this.world = world;
    this.plan = plan;
  }

  async identityOf(home: Home): Promise<Identity> {
    const known = home.storage.get('identity') as Identity | undefined;
    const identity = known ?? (await createIdentity({ ...home, crypto: home.watched(nodeCrypto) }));
    home.storage.set('identity', identity);
    this.directory.set(home.name, identity.identifier);
    return identity;
  }

  /** Trusts whoever is called so at present, as a policy and as an access control. */
  only(name: string): TrustPolicy & AccessControl {
    const is = (identifier: Identifier | undefined) => identifier !== undefined && identifier === this.directory.get(name);
    return { authorities: [], accepts: ({ identifier }) => is(identifier), allows: (message) => is(peerOf(message)) };
  }
}

/** The program of that node. */
export function programOf(stage: Stage, name: string): (home: Home) => void | Promise<void> {
  switch (name) {
    case 'hub':
    case 'annex':
      return (home) => relay(stage, home);
    case 'server':
      return (home) => (stage.plan.hub === 'server' ? openServer(stage, home) : hiddenServer(stage, home));
    case 'client':
      return (home) => client(stage, home);
    default:
      return (home) => guest(stage, home);
  }
}

async function relay(stage: Stage, home: Home): Promise<void> {
  const { node } = home;
  const identity = await stage.identityOf(home);
  const listener = await node.listen(tcp(), '0.0.0.0:4000', { frameBytesMax: HUB_FRAME_BYTES, caps: { strangersPerAddress: STRANGERS } });
  const channels = secureChannelListener(node, 'api', { identity, trust: everyone, on: listener });
  publicWorkers(stage, node, home, [listener, channels]);
  relayService(node, { on: [channels, listener], allow: allowEveryone, relaysPerOwnerMax: RELAYS_PER_OWNER });
}

/** A server that others dial. */
async function openServer(stage: Stage, home: Home): Promise<void> {
  const listener = await home.node.listen(tcp(), '0.0.0.0:4000', {
    frameBytesMax: HUB_FRAME_BYTES,
    caps: { strangersPerAddress: STRANGERS },
  });
  publicWorkers(stage, home.node, home, [listener]);
  await serve(stage, home, [listener]);
}

/** A server behind NAT, reached by its relays. */
async function hiddenServer(stage: Stage, home: Home): Promise<void> {
  const { node } = home;
  const identity = await stage.identityOf(home);
  const ways = stage.plan.relays.map(({ at, name }) => {
    const connection = connectionSession(node, tcp(), `${at}:4000`);
    const through = stage.plan.registersSecurely
      ? channelSession(node, via(connection, 'api'), { identity, trust: stage.only(at), name: 'registrar' })
      : connection;
    relaySession(node, through, { name });
    return through;
  });
  await serve(stage, home, ways);
}

async function serve(stage: Stage, home: Home, on: readonly HasFlow[]): Promise<void> {
  const { node } = home;
  const identity = await stage.identityOf(home);
  await service(home, stage.talks);
  const channels = secureChannelListener(node, 'secure', { identity, trust: stage.only('client'), on });
  const allow = stage.only('client');
  node.start('reply', echo);
  node.start('vault', echo);
  node.publish('reply', { on: channels, allow });
  const target = `127.0.0.1:${SERVICE_PORT}`;
  outlet(node, { target, on: channels, allow });
  outlet(node, { address: 'narrow', target, on: channels, allow, streamsMax: 2, streamsPerPeerMax: 1, requireNumbers: true });
  outlet(node, { address: 'refused', target: '127.0.0.1:1', on: channels, allow });
  outlet(node, { address: 'unknown', target: 'nobody:1', on: channels, allow });
  outlet(node, { address: 'silent', target: 'client:1', on: channels, allow, dialTimeoutMs: DIAL_MS });
}

async function client(stage: Stage, home: Home): Promise<void> {
  const { node } = home;
  stage.client = undefined;
  const identity = await stage.identityOf(home);
  ownWorkers(node);
  const { hub } = stage.plan;
  const toHub = connectionSession(node, tcp(), `${hub}:4000`);
  const behind = hub === 'server' ? ['sieve', 'secure'] : ['sieve', 'forward_to_server', 'secure'];
  const channel = channelSession(node, via(toHub, ...behind), { identity, trust: stage.only('server') });
  const allow = stage.only('server');
  const at = async (address: string) =>
    (await inlet(node, { listen: '127.0.0.1:0', outlet: via(channel, address), allow, streamsMax: 8 })).local;
  const inlets = {
    service: await at('outlet'),
    refused: await at('refused'),
    unknown: await at('unknown'),
    silent: await at('silent'),
    narrow: await at('narrow'),
  };
  stage.client = { home, toHub, channel, inlets };
}

function guest(stage: Stage, home: Home): void {
  const { nodes } = stage.plan;
  ownWorkers(home.node);
  stage.guest = { home, toHub: connectionSession(home.node, tcp(), `${nodes.includes('annex') ? 'annex' : 'hub'}:4000`) };
}

/** What anybody finds at a node that is dialled. */
function publicWorkers(stage: Stage, node: Node, home: Home, on: readonly HasFlow[]): void {
  const sieve = new Sieve(home);
  stage.sieves.set(node.name, sieve);
  node.start('echo', echo);
  node.start('hop', hop);
  node.start('sieve', sieve);
  node.start('muted', echo, { outgoing: allowNobody });
  node.start('thrower', thrower);
  node.start('stuck', stuck);
  node.start('members', echo);
  for (const address of ['echo', 'hop', 'sieve', 'muted', 'thrower', 'stuck']) node.publish(address, { on, allow: allowEveryone });
  node.publish('members', { on, allow: fromAnyPeer });
}

/** What those who dial have for themselves. */
function ownWorkers(node: Node): void {
  node.start('spinner', spinner);
  node.start('stuck', stuck);
}

const thrower: Worker = {
  onMessage: () => {
    throw new RangeError('This worker takes nothing.');
  },
};

const spinner: Worker = {
  onMessage: (message, context) => context.forward(message.again()),
};

/** How long a stuck worker takes for the first message after a rest; what comes meanwhile waits. */
export const STUCK_MS = 1_600;

const stuck: Worker = {
  onMessage: (message, context) =>
    message.payload[0] === 1 ? new Promise<void>((resolve) => void context.setTimer(STUCK_MS, resolve)) : undefined,
};

/** A hop between client and server that loses or spoils what it is told to. */
export class Sieve implements Worker {
  /** So many messages from now on are gone. */
  swallows = 0;
  readonly #enemy: Adversary;

  constructor(home: Home) {
    this.#enemy = new Adversary(home);
    this.#enemy.isHonest = true;
  }

  set isHonest(isHonest: boolean) {
    this.#enemy.isHonest = isHonest;
  }

  /** Does no harm from now on. */
  rest(): void {
    this.swallows = 0;
    this.#enemy.isHonest = true;
  }

  onMessage(message: Message, context: Context): void {
    if (this.swallows > 0) this.swallows -= 1;
    else this.#enemy.onMessage(message, context);
  }
}
