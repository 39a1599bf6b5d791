import { TransportError } from '../runtime/errors.ts';
import type { HostPort } from '../runtime/network.ts';
import type { Link } from './link.ts';
import { isLoopbackName, type Machine } from './machine.ts';
import type { Medium } from './medium.ts';
import type { Flight } from './stream.ts';

/** What fits into one. Source: RFC 768, RFC 791 §3.1: 65,535 less both headers */
const DATAGRAM_BYTES_MAX = 65_507;

/** A port that datagrams leave from and come to: some are lost, come twice, or overtake others. */
export interface Datagrams {
  readonly local: HostPort;
  /**
   * Sends one on its way. Where nobody is, nobody hears of it.
   * @throws {RangeError} for more than 65,507 bytes
   */
  send(to: HostPort, bytes: Uint8Array): void;
  /** Who is called with each that comes, instead of who was until now. What comes before anybody is, is lost. */
  onMessage(callback: (bytes: Uint8Array, from: HostPort) => void): void;
  close(): void;
}

interface Flow {
  readonly link: Link;
  readonly target: Machine;
  readonly port: number;
  readonly stream: number;
}

/**
 * @param port 0 lets the simulation choose
 * @throws {TransportError} `LISTEN_FAILED` when the port is taken
 */
export function openDatagrams(medium: Medium, machine: Machine, port: number, resolve: (name: string) => Machine | undefined): Datagrams {
  const local = { host: machine.name, port: port === 0 ? machine.freePort() : port };
  if (machine.sockets.has(local.port))
    throw new TransportError('LISTEN_FAILED', `Cannot use ${local.host}:${local.port} for datagrams: the port is taken.`);
  let hear: (bytes: Uint8Array, from: HostPort) => void = () => undefined;
  const take = (bytes: Uint8Array, from: HostPort) => {
    hear(bytes, from);
  };
  machine.sockets.set(local.port, take);
  const flows = new Map<string, Flow>();

  const flowTo = ({ host, port }: HostPort): Flow | undefined => {
    const target = isLoopbackName(host) ? machine : resolve(host);
    if (target === undefined) return undefined;
    const name = `${target.name}:${port}`;
    let flow = flows.get(name);
    if (flow === undefined) {
      const link = medium.link(machine.name, target.name);
      flow = { link, target, port, stream: medium.nextStream() };
      flows.set(name, flow);
      link.live.add(flow.stream);
    }
    return flow;
  };

  const arrive = (flow: Flow, flight: Flight) => {
    const { link, target } = flow;
    if (link.isCut || target.isDown) return;
    if (link.isHeld) return void link.stalled.push(() => arrive(flow, flight));
    if (target.options.isBehindNat === true && target !== machine && !target.holes.has(holeText(flow.port, local))) return;
    const socket = target.sockets.get(flow.port);
    if (socket === undefined) return;
    medium.arrived(link, flow.stream, flight);
    target.tell(() => {
      if (target.sockets.get(flow.port) === socket) socket(flight.bytes, local);
    });
  };

  return {
    local,
    send: (to, bytes) => {
      if (bytes.length > DATAGRAM_BYTES_MAX) throw new RangeError(`A datagram holds at most ${DATAGRAM_BYTES_MAX} bytes.`);
      const flow = machine.sockets.get(local.port) === take ? flowTo(to) : undefined;
      if (flow === undefined) return;
      machine.holes.add(holeText(local.port, { host: flow.target.name, port: flow.port }));
      for (const flight of medium.depart(flow.link, flow.stream, bytes.slice())) {
        for (let copies = flow.link.doublesOne() ? 2 : 1; copies > 0; copies--) {
          const ms = flow.link.transitMs(medium.clock.monotonicMs(), flight.bytes.length) + flight.afterMs;
          if (!flow.link.losesOne()) medium.after(ms, () => arrive(flow, { ...flight, bytes: flight.bytes.slice() }));
        }
      }
    },
    onMessage: (callback) => {
      hear = callback;
    },
    close: () => {
      if (machine.sockets.get(local.port) === take) machine.sockets.delete(local.port);
      for (const { link, stream } of flows.values()) link.live.delete(stream);
    },
  };
}

const holeText = (localPort: number, { host, port }: HostPort) => `${localPort} to ${host}:${port}`;
