import type { Message } from '../../runtime/message.ts';
import type { Node } from '../../runtime/node.ts';
import type { HostPort } from '../../runtime/network.ts';
import { type Route, type RoutePart, route } from '../../runtime/route.ts';
import type { Way } from '../../runtime/way.ts';
import { seededRandom } from '../../simulation/random.ts';
import type { Identity } from '../../identities/identity.ts';
import { tcp } from '../../transports/tcp.ts';
import { encodeDisconnect, encodePing } from '../../workers/portal/portal-message.ts';
import { registerRelay } from '../../workers/relay/remote-relay.ts';
import { WAITED, WEDGED } from './coverage.ts';
import type { Errand, Step } from './plan.ts';
import { type Behind, type Desk, type Stage, STUCK_MS } from './programs.ts';
import { converse, later, MANNERS, Talk } from './talk.ts';

/** It is in all that client and server tell each other through a channel, and on no link. */
export const SECRET = 'account 4711 of the client';

const ASK_MS = 4_000;
const WEDGE_FRAMES = 40;
/** How long an enemy on the way does harm, at most. */
const HARM_MS = 2_500;
/** How long a guest sits on the name of the server. */
const SQUAT_MS = 4_000;

const TOO_LARGE = new Uint8Array(300 * 1_024);
const SKIPPED = new Uint8Array(120 * 1_024);

/** Does what a user would do, unless the node is down; what comes of it comes later. */
export function run(stage: Stage, { errand, amount }: Step): void {
  const desk = stage.client;
  if (desk !== undefined && stage.world.get('client').isUp && !desk.home.node.isStopped) DO[errand](desk, amount, stage);
}

type Do = (desk: Desk, amount: number, stage: Stage) => void;

const DO: { readonly [Name in Errand]: Do } = {
  // A request through the channel: its answer is its own bytes, or there is none.
  ask: (desk, amount, stage) => void askServer(stage, desk, 1 + (amount % 200)),
  // The same by the bare connection, for anybody to read and to alter.
  askOpenly: (desk, amount, stage) => {
    const { home, toHub } = stage.guest !== undefined && amount % 2 === 0 ? stage.guest : desk;
    if (stage.world.get(home.name).isUp) ask(home.node, toHub, ['echo'], Uint8Array.of(amount & 0xff));
  },
  stream: (desk, amount, stage) => talk(stage, desk, desk.inlets.service, amount),
  burst: (desk, amount, stage) => {
    for (let count = 0; count < 4 + (amount % 12); count++) void askServer(stage, desk, 8);
  },
  // More than an ingress of 16 messages takes: the connection stops being read for a while.
  flood: ({ home: { node }, toHub }, _, stage) => {
    if (toHub.current === undefined) return;
    const waits = Array.from({ length: 24 }, () => node.send(route(toHub.current as Route, 'stuck'), Uint8Array.of(1)));
    noteWaits(stage, node, waits);
  },
  // The same on this node, until what comes is shed.
  shed: ({ home }, _, stage) => {
    const { node } = home;
    const send = (count: number) => Array.from({ length: count }, () => node.send(route('stuck'), Uint8Array.of(1)));
    noteWaits(stage, node, send(18));
    later(home, STUCK_MS - 200, () => void send(6));
  },
  askVault: ({ home: { node }, channel }) => ask(node, channel, ['vault']),
  askMembers: ({ home: { node }, toHub }) => ask(node, toHub, ['members']),
  nobody: ({ home: { node } }) => void node.send(route('nobody'), Uint8Array.of(1)),
  nowhere: ({ home: { node } }) => void node.send(route('1#10.0.0.1:4000', 'echo'), Uint8Array.of(1)),
  pastTheEnd: ({ home: { node }, toHub }) => send(node, toHub, ['hop']),
  muted: ({ home: { node }, toHub }) => send(node, toHub, ['muted']),
  thrower: ({ home: { node }, toHub }) => send(node, toHub, ['thrower']),
  spinner: ({ home: { node } }) => void node.send(route('spinner'), Uint8Array.of(1)),
  // A worker that takes its time with its last message, while another one comes.
  closing: ({ home }, amount) => {
    const { node, clock } = home;
    const address = `closing-${amount}-${clock.monotonicMs()}`;
    node.start(address, { onMessage: (_, context) => new Promise<void>((resolve) => void context.setTimer(50, resolve)) });
    void node.send(route(address), Uint8Array.of(1));
    later(home, 10, () => {
      void node.stopWorker(address).catch(() => undefined);
      void node.send(route(address), Uint8Array.of(1));
    });
  },
  longRoute: ({ home: { node }, toHub }) =>
    send(
      node,
      toHub,
      Array.from({ length: 40 }, () => 'hop'),
    ),
  tooLarge: ({ home: { node }, toHub }) => send(node, toHub, ['echo'], TOO_LARGE),
  skipped: ({ home: { node }, toHub }) => send(node, toHub, ['echo'], SKIPPED),
  // To those who expect a handshake or a registration.
  garbage: ({ home: { node }, toHub }, amount, { plan }) => {
    const bytes = seededRandom(amount).bytes(amount % 3 === 0 ? 20 : 64);
    const services = plan.hub === 'server' ? ['secure'] : ['api', 'forwarding_service', 'static_forwarding_service'];
    ask(node, toHub, [services[amount % services.length] ?? 'api'], bytes);
  },
  spoil: (_, __, { world, sieves, plan }) => {
    const sieve = sieves.get(plan.hub);
    if (sieve === undefined) return;
    sieve.isHonest = false;
    void world.pass(HARM_MS).then(() => (sieve.isHonest = true));
  },
  swallow: (desk, amount, stage) => {
    swallow(stage, 1 + (amount % 6));
    talk(stage, desk, desk.inlets.service, amount);
  },
  // More lost frames than the window of the receiver reaches: only a new channel helps.
  wedge: (desk, _, stage) => {
    if (desk.channel.current === undefined) return;
    swallow(stage, WEDGE_FRAMES);
    stage.world.note(WEDGED, 'client');
    for (let count = 0; count < WEDGE_FRAMES + 4; count++) send(desk.home.node, desk.channel, ['reply'], Uint8Array.of(1));
  },
  // More connections that say nothing than the hub takes from one address.
  crowd: ({ home }, _, { plan }) => {
    for (let count = 0; count < 8; count++) {
      home.node.connect(tcp(), `${plan.hub}:4000`).then(
        (connection) => later(home, 1_000, () => void connection.close()),
        () => undefined,
      );
    }
  },
  squat: (_, __, stage) => void squat(stage),
  hoard: (_, __, { guest, world }) => {
    if (guest?.toHub.current === undefined || !world.get('guest').isUp) return;
    const { node } = guest.home;
    for (let count = 0; count < 4; count++) registerRelay(node, guest.toHub.current, { timeoutMs: 2_000 }).catch(() => undefined);
  },
  // A peer that keeps to no protocol: it says that it numbers its bytes, and leaves as one that does not.
  rude: ({ home: { node }, channel }) => {
    if (channel.current === undefined) return;
    node
      .request(channel.current.concat(route('outlet')), encodePing(1_000), { timeoutMs: ASK_MS })
      .then((pong: Message) => node.send(pong.returnRoute, encodeDisconnect()))
      .catch(() => undefined);
  },
  // One that does not number its bytes, as the original.
  original: ({ home: { node }, channel }) => ask(node, channel, ['narrow'], encodePing()),
  deadEnd: (desk, amount, stage) => {
    const ends = ['refused', 'unknown', 'silent', 'narrow'] as const satisfies readonly Behind[];
    const end = ends[amount % ends.length] ?? 'refused';
    talk(stage, desk, desk.inlets[end], amount);
    if (end === 'narrow') talk(stage, desk, desk.inlets[end], amount);
  },
  // The server changes its key; sometimes so that channels on the old one have to end. Not by a wrong clock: nobody would
  // believe the new key before the time at which it says it was made.
  rotate: (_, amount, { world }) => {
    const server = world.get('server');
    if (!server.isUp || server.home.clock.wallSeconds() !== world.clock.wallSeconds()) return;
    const identity = server.storage.get('identity') as Identity | undefined;
    identity?.rotate({ revokePurposeKeys: amount % 2 === 0 }).catch(() => undefined);
  },
};

/** @returns whether the server answered */
export async function askServer(stage: Stage, { home, channel }: Desk, padBytes: number): Promise<boolean> {
  if (channel.current === undefined) return false;
  const question = new TextEncoder().encode(SECRET + '.'.repeat(padBytes));
  const answer = await home.node.request(channel.current.concat(route('reply')), question, { timeoutMs: ASK_MS }).catch(() => undefined);
  if (answer === undefined) return false;
  if (Buffer.compare(answer.payload, question) !== 0) throw new Error(`what was asked through the channel came back altered`);
  stage.world.note('answered', home.name);
  return true;
}

/** @returns the talk, which ends by and by */
export function talk(stage: Stage, { home }: Desk, at: HostPort, amount: number, onOver: (talk: Talk) => void = () => undefined): Talk {
  const made = new Talk(stage.talks.size + 1, amount % 3 === 0 ? (MANNERS[(amount >> 4) % MANNERS.length] ?? 'echo') : 'echo');
  stage.talks.set(made.number, made);
  const sizeMax = amount % 11 === 0 ? 40_000 : 800;
  const random = seededRandom(amount);
  const secret = new TextEncoder().encode(SECRET);
  const pieces = Array.from({ length: 1 + (amount % 5) }, (_, index) => (index === 0 ? secret : random.bytes(1 + (amount % sizeMax))));
  const options = { gapMs: amount % 400, resets: amount % 13 === 0, onOver: () => onOver(made) };
  converse(home, at, made, pieces, options);
  return made;
}

/** So many messages that come to the hop between client and server next are gone. */
function swallow({ sieves, plan, world }: Stage, count: number): void {
  const sieve = sieves.get(plan.hub);
  if (sieve === undefined) return;
  sieve.swallows = count;
  void world.pass(HARM_MS).then(() => (sieve.swallows = 0));
}

/** A guest registers the name of the server by a connection of its own, which it ends soon. */
async function squat({ guest, plan, world }: Stage): Promise<void> {
  if (guest === undefined || !world.get('guest').isUp) return;
  const { home } = guest;
  const at = plan.nodes.includes('annex') ? 'annex' : 'hub';
  const connection = await home.node.connect(tcp(), `${at}:4000`).catch(() => undefined);
  if (connection === undefined) return;
  registerRelay(home.node, connection.route, { name: 'server', timeoutMs: SQUAT_MS }).catch(() => undefined);
  later(home, SQUAT_MS + 2_000, () => void connection.close());
}

function ask(node: Node, way: Way, to: readonly RoutePart[], payload: Uint8Array = Uint8Array.of(1)): void {
  if (way.current !== undefined) node.request(way.current.concat(route(...to)), payload, { timeoutMs: ASK_MS }).catch(() => undefined);
}

function send(node: Node, way: Way, to: readonly RoutePart[], payload: Uint8Array = Uint8Array.of(1)): void {
  if (way.current !== undefined) node.send(way.current.concat(route(...to)), payload).catch(() => undefined);
}

function noteWaits({ world }: Stage, node: Node, waits: readonly Promise<void>[]): void {
  const startMs = world.nowMs;
  void Promise.all(waits).then(
    () => {
      if (world.nowMs > startMs) world.note(WAITED, node.name);
    },
    () => undefined,
  );
}
