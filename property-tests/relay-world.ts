import { createIdentity } from '../identities/identity.ts';
import { everyone } from '../identities/trust.ts';
import { allowEveryone } from '../runtime/access-control.ts';
import { concat } from '../runtime/codec/bare.ts';
import { type Envelope, decodeEnvelope, encodeEnvelopeHead } from '../runtime/codec/envelope.ts';
import { silentLogger } from '../runtime/logger.ts';
import type { ByteStream } from '../runtime/network.ts';
import { Node } from '../runtime/node.ts';
import { Route, route } from '../runtime/route.ts';
import type { Connection } from '../runtime/transport.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { seededRandom } from '../simulation/random.ts';
import { FrameReader } from '../transports/framing.ts';
import { tcp } from '../transports/tcp.ts';
import { echo } from '../workers/echo.ts';
import { relayService, type RelayServiceOptions } from '../workers/relay/relay-service.ts';
import { secureChannel, secureChannelListener } from '../workers/secure-channel/secure-channel.ts';

export const RELAY_PORT = 4_000;

/** Nodes on one simulated network. */
export function relayWorld(seed = 1) {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork({ clock, latencyMs: 5 });
  let next = seed;
  const node = (name: string) => new Node({ name, clock, random: seededRandom(next++), network: network.host(name), logger: silentLogger });
  const pass = (ms: number) => clock.run({ untilMs: clock.monotonicMs() + ms });

  /** A node with a relay service and echo, for strangers and, at `api`, for channels. */
  async function relayNode(name: string, options: Partial<RelayServiceOptions> = {}) {
    const made = node(name);
    const listener = await made.listen(tcp(), `0.0.0.0:${RELAY_PORT}`);
    const identity = await createIdentity({ clock, random: made.random });
    const channels = secureChannelListener(made, 'api', { identity, trust: everyone, on: listener });
    made.start('echo', echo);
    made.publish('echo', { on: [listener, channels], allow: allowEveryone });
    const service = relayService(made, { on: [listener, channels], allow: allowEveryone, ...options });
    return { node: made, listener, channels, service };
  }

  const connect = (from: Node, to: string) => clock.runUntil(from.connect(tcp(), `${to}:${RELAY_PORT}`));

  /** Someone with an identity. */
  async function party(name: string) {
    const identity = await createIdentity({ clock, random: seededRandom(next++) });
    return {
      identity,
      /** A node of theirs with a channel to that relay node; `echo` there answers what comes through the channel. */
      async join(host: string, relay: string) {
        const made = node(`${name}-${host}`);
        const connection = await connect(made, relay);
        const channel = await clock.runUntil(secureChannel(made, route(connection, 'api'), { identity, trust: everyone }));
        made.start('echo', echo);
        made.publish('echo', { on: channel, allow: allowEveryone });
        return { node: made, host: `${name}-${host}`, connection, channel };
      },
    };
  }

  /** Whether `forward_to_NAME` leads anywhere, and to whom: every node answers at `who` with its own name. */
  async function who(asker: Node, through: Connection, name: string): Promise<string | undefined> {
    const asked = asker.request(route(through, `forward_to_${name}`, 'who'), Uint8Array.of(1), { timeoutMs: 200 });
    const answer = await clock.runUntil(asked.catch(() => undefined));
    return answer && new TextDecoder().decode(answer.payload);
  }

  return { clock, network, node, pass, relayNode, connect, party, who };
}

/** Lets a node say who it is to whoever comes by these ways. */
export function sayWho(node: Node, ...on: Parameters<Node['publish']>[1]['on'][]): void {
  const name = new TextEncoder().encode(node.name);
  node.start('who', { onMessage: (message, context) => context.reply(message, name) });
  for (const way of on) node.publish('who', { on: way, allow: allowEveryone });
}

/** One end of a TCP connection, played by hand: it sends and collects whole frames. Heartbeats are left out. */
export class ScriptedPeer {
  readonly received: Envelope[] = [];
  #stream: ByteStream | undefined;
  readonly #frames = new FrameReader({
    onFrame: (body) => {
      const envelope = decodeEnvelope(body.slice());
      if (!envelope.onward.isEmpty) this.received.push(envelope);
    },
    onSkipped: () => undefined,
  });

  readonly reader = (stream: ByteStream) => {
    this.#stream = stream;
    stream.write([Uint8Array.of(1)]);
    return {
      buffer: () => this.#frames.buffer(),
      onBytes: (bytes: Uint8Array) => this.#frames.onBytes(bytes),
      onEnd: () => undefined,
      onReset: () => undefined,
    };
  };

  send(frame: Uint8Array): void {
    this.#stream?.write([frame]);
  }

  sendTo(onward: Route, returnRoute: Route, payload: Uint8Array): void {
    this.send(frameOf({ onward, returnRoute, payload }));
  }
}

/** The frame of an envelope, with addresses replaced by the names given for them. */
export function frameOf({ onward, returnRoute, payload }: Envelope, names: ReadonlyMap<string, string> = new Map()): Uint8Array {
  const named = (of: Route) => Route.of([...of].map((address) => names.get(address.key) ?? address));
  const frame = concat(encodeEnvelopeHead(named(onward), named(returnRoute), payload.length, 4), payload);
  new DataView(frame.buffer).setUint32(0, frame.length - 4);
  return frame;
}
