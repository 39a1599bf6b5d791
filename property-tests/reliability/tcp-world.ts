import { jsonLogger } from '../../host/logger.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import { concat } from '../../runtime/codec/bare.ts';
import { encodeEnvelopeHead } from '../../runtime/codec/envelope.ts';
import { Node } from '../../runtime/node.ts';
import { Route, type RoutePart, route } from '../../runtime/route.ts';
import type { Connection, Listener } from '../../runtime/transport.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { SimulatedNetwork } from '../../simulation/network.ts';
import { seededRandom } from '../../simulation/random.ts';
import type { ConnectionCaps } from '../../transports/caps.ts';
import { tcp } from '../../transports/tcp.ts';
import { echo } from '../../workers/echo.ts';
import { hop } from '../../workers/hop.ts';
import { RawPeer } from '../conformance/raw-peer.ts';

const PORT = 4_000;
/** Of the simulated hosts, in case nothing else takes part. */
const LATENCY_MS = 1;
/** The version, then a heartbeat: what every end says first. */
export const GREETING = '010000000483808040';
const HEAD_BYTES = 4;

/** A TCP frame, its length in front. */
export function tcpFrame(onward: readonly RoutePart[], returnRoute: readonly RoutePart[], payload: Uint8Array): Uint8Array {
  const frame = concat(
    encodeEnvelopeHead(route(...onward), Route.of([]).concat(route(...returnRoute)), payload.length, HEAD_BYTES),
    payload,
  );
  new DataView(frame.buffer).setUint32(0, frame.length - HEAD_BYTES);
  return frame;
}

/**
 * A node that listens for TCP on a simulated network, with published and private workers, scripted peers that knock there, and
 * an honest client whose echo shows that the node lives.
 */
export class TcpWorld {
  readonly clock = new SimulatedClock();
  readonly network = new SimulatedNetwork({ clock: this.clock, latencyMs: LATENCY_MS });
  /** Everything the server logged, one entry a write. */
  readonly lines: string[] = [];
  readonly server: Node;
  readonly control: Node;
  listener!: Listener;
  connection!: Connection;
  /** What reached a private worker: nothing may. */
  trespasses = 0;
  /** How often the workers `a` and `b` forwarded something. */
  forwards = 0;

  private constructor(seed: number) {
    const make = (name: string, offset: number) =>
      new Node({
        name,
        clock: this.clock,
        random: seededRandom(seed + offset),
        network: this.network.host(name),
        logger: jsonLogger({ level: 'debug', linesPerEvent: Number.POSITIVE_INFINITY, write: (line) => this.lines.push(line) }),
      });
    this.server = make('server', 0);
    this.control = make('control', 1);
  }

  static async start({ seed = 1, caps }: { readonly seed?: number; readonly caps?: Partial<ConnectionCaps> } = {}): Promise<TcpWorld> {
    const world = new TcpWorld(seed);
    const { server } = world;
    world.listener = await world.clock.runUntil(server.listen(tcp(), `0.0.0.0:${PORT}`, { ...(caps && { caps }) }));
    for (const [name, worker] of [
      ['echoer', echo],
      ['a', hop],
      ['b', hop],
    ] as const) {
      server.start(name, worker);
      server.publish(name, { on: world.listener, allow: allowEveryone });
    }
    for (const name of ['internal', 'e', 'app'])
      server.start(name, {
        onMessage: () => {
          world.trespasses++;
        },
      });
    server.trace(({ kind, message }) => {
      if (kind === 'handled' && ['a', 'b'].includes(message.destination.name)) world.forwards++;
    });
    world.connection = await world.clock.runUntil(world.control.connect(tcp(), `server:${PORT}`));
    await world.echoMs();
    return world;
  }

  /** A scripted peer at the door. */
  knock(host = 'stranger'): Promise<RawPeer> {
    return this.clock.runUntil(RawPeer.dial(this.network.host(host), { host: 'server', port: PORT }, { clock: this.clock }));
  }

  pass(ms: number): Promise<void> {
    return this.clock.run({ untilMs: this.clock.monotonicMs() + ms });
  }

  /** How long the honest client waits for its echo. @throws {RuntimeError} `REQUEST_TIMEOUT` after 1 s */
  async echoMs(): Promise<number> {
    const sinceMs = this.clock.monotonicMs();
    const ping = Uint8Array.of(1, 2, 3);
    await this.clock.runUntil(this.control.request(route(this.connection, 'echoer'), ping, { timeoutMs: 1_000 }));
    return this.clock.monotonicMs() - sinceMs;
  }

  /** What the server has that it has only because of connections. */
  get footprint(): string {
    const { addresses, connections } = this.server;
    return JSON.stringify({ addresses: addresses.length, connections: connections.size, streams: this.network.streamCount });
  }

  async stop(): Promise<void> {
    await this.clock.runUntil(this.control.stop());
    await this.clock.runUntil(this.server.stop());
  }
}
