import { describe, expect, test } from 'vitest';
import { systemClock } from '../../host/clock.ts';
import { systemRandom } from '../../host/random.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import { formatHostPort } from '../../runtime/host-port.ts';
import { silentLogger } from '../../runtime/logger.ts';
import { Node } from '../../runtime/node.ts';
import { route } from '../../runtime/route.ts';
import type { Transport } from '../../runtime/transport.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { SimulatedNetwork } from '../../simulation/network.ts';
import { seededRandom } from '../../simulation/random.ts';
import { nodeNetwork } from '../../transports/node-network.ts';
import { tcp } from '../../transports/tcp.ts';
import { websocket } from '../../transports/websocket.ts';
import { echo } from '../../workers/echo.ts';
import { hop } from '../../workers/hop.ts';
import { type CommonTransportOptions, transportConformance, type TransportWorld } from './transport.ts';

const immediate = () => new Promise<void>((resolve) => void setImmediate(resolve));
const resources = () =>
  process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate' && !/Pipe|TTY|File|MessagePort/.test(kind)).length;

function real(transport: Transport<CommonTransportOptions>): () => TransportWorld {
  return () => ({
    transport,
    node: (name, limits = {}) =>
      new Node({ name, limits, clock: systemClock, random: systemRandom, network: nodeNetwork, logger: silentLogger }),
    listenAt: '127.0.0.1:0',
    target: (_name, { local }) => formatHostPort(local),
    until: (promise) => promise,
    quiet: async () => {
      for (let turn = 0; turn < 10; turn++) await immediate();
      await new Promise((resolve) => void setTimeout(resolve, 1));
    },
    leftovers: resources,
  });
}

function simulated(latencyMs: number): () => TransportWorld {
  return () => {
    const clock = new SimulatedClock();
    const network = new SimulatedNetwork({ clock, latencyMs });
    let seed = 1;
    return {
      transport: tcp(),
      node: (name, limits = {}) =>
        new Node({ name, limits, clock, random: seededRandom(seed++), network: network.host(name), logger: silentLogger }),
      listenAt: '0.0.0.0:0',
      target: (name, { local }) => `${name}:${local.port}`,
      until: (promise) => clock.runUntil(promise),
      quiet: () => clock.run({ untilMs: clock.monotonicMs() + 2 * latencyMs + 1 }),
      pass: (ms) => clock.run({ untilMs: clock.monotonicMs() + ms }),
      cut: (one, other) => network.partition(one, other),
      leftovers: () => network.streamCount + network.listenerCount + clock.pendingCount,
    };
  };
}

describe('message transports', () => {
  const suites = [
    transportConformance('TCP', real(tcp())),
    transportConformance('WebSocket', real(websocket())),
    transportConformance('TCP in memory', simulated(0)),
    transportConformance('TCP over a simulated network', simulated(25)),
  ];

  test('every suite has its cases', () => {
    expect(suites.map((cases) => cases.length)).toEqual([20, 20, 22, 22]);
  });

  for (const { name, run } of suites.flat()) test(name, run);

  test('a route leads over TCP, through a hop, and on over WebSocket', async () => {
    const make = (name: string) => new Node({ name, clock: systemClock, random: systemRandom, network: nodeNetwork, logger: silentLogger });
    await using client = make('client');
    await using middle = make('middle');
    await using far = make('far');
    const atFar = await far.listen(websocket(), '127.0.0.1:0');
    far.start('echo', echo);
    far.publish('echo', { on: atFar, allow: allowEveryone });
    const atMiddle = await middle.listen(tcp(), '127.0.0.1:0');
    middle.start('hop', hop);
    const onward = await middle.connect(websocket(), `ws://${formatHostPort(atFar.local)}/`);
    middle.publish('hop', { on: [atMiddle, onward], allow: allowEveryone });
    const connection = await client.connect(tcp(), formatHostPort(atMiddle.local));
    const answer = await client.request(route(connection, 'hop', onward, 'echo'), Uint8Array.of(1, 2, 3), { timeoutMs: 2_000 });
    expect([...answer.payload]).toEqual([1, 2, 3]);
    expect(answer.returnRoute.length).toBe(4);
  });
});
