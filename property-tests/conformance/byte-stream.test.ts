import { describe } from 'vitest';
import { systemClock } from '../../host/clock.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { SimulatedNetwork } from '../../simulation/network.ts';
import { createNodeNetwork } from '../../transports/node-network.ts';
import { byteStreamConformance, type NetworkWorld } from './byte-stream.ts';

const immediate = () => new Promise<void>((resolve) => void setImmediate(resolve));

async function turns(): Promise<void> {
  for (let turn = 0; turn < 25; turn++) await immediate();
}

const sockets = () => process.getActiveResourcesInfo().filter((kind) => /^TCP(Socket|Server)Wrap$/.test(kind)).length;

function real(directReads: boolean): () => NetworkWorld {
  return () => ({
    network: createNodeNetwork({ directReads }),
    host: '127.0.0.1',
    unknownHost: `${'a'.repeat(64)}.invalid`, // too long for a label: refused before a name server is asked
    until: (promise) => promise,
    quiet: turns,
    // Timers come before sockets in a turn of the event loop: a dial that starts late in one turn, and takes long, meets its deadline first.
    silently: async (dial) => {
      await immediate();
      const dialled = dial();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      return dialled;
    },
    leftovers: sockets,
  });
}

function simulated(latencyMs: number): () => NetworkWorld {
  return () => {
    const clock = new SimulatedClock();
    const network = new SimulatedNetwork({ clock, latencyMs });
    const far = network.host('far');
    const near = network.host('near');
    return {
      network: {
        listen: (at, accept) => far.listen(at, accept),
        connect: (target, reader, options) => near.connect(target, reader, options),
      },
      host: 'far',
      unknownHost: 'nowhere',
      until: (promise) => clock.runUntil(promise),
      quiet: () => clock.runUntilQuiet(),
      silently: (dial) => {
        network.partition('near', 'far');
        return dial();
      },
      leftovers: () => network.streamCount + network.listenerCount + clock.pendingCount,
    };
  };
}

function memory(): NetworkWorld {
  const network = new SimulatedNetwork({ clock: systemClock });
  return {
    network: network.host('localhost'),
    host: 'localhost',
    unknownHost: 'nowhere',
    until: (promise) => promise,
    quiet: turns,
    silently: (dial) => {
      network.partition('localhost', 'localhost');
      return dial();
    },
    leftovers: () => network.streamCount + network.listenerCount,
  };
}

describe('the Network port', () => {
  byteStreamConformance('sockets that read into lent memory', real(true));
  byteStreamConformance('sockets that copy', real(false));
  byteStreamConformance('memory', () => memory());
  byteStreamConformance('a simulation without latency', simulated(0));
  byteStreamConformance('a simulation with latency', simulated(25));
});
