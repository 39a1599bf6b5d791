import type { ByteStream, Network } from '../runtime/network.ts';

/**
 * A network that copies what is written, as a real one does, over one that passes memory on: nodes then use memory again that has left,
 * also in simulated time.
 */
export function copyingNetwork(network: Network): Network {
  return {
    connect: async (target, reader, options) => copying(await network.connect(target, (stream) => reader(copying(stream)), options)),
    listen: (at, accept) => network.listen(at, (stream) => accept(copying(stream))),
  };
}

function copying(stream: ByteStream): ByteStream {
  return {
    isDoneWithWritten: true,
    get remote() {
      return stream.remote;
    },
    get local() {
      return stream.local;
    },
    get drainProgress() {
      return stream.drainProgress;
    },
    write: (chunks) => stream.write(chunks.map((chunk) => chunk.slice())),
    drained: (callback) => stream.drained(callback),
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    end: () => stream.end(),
    reset: () => stream.reset(),
  };
}
