import type { ByteStream, StreamReader } from '../runtime/network.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import type { HostOptions } from '../simulation/machine.ts';
import { SimulatedNetwork, type SimulatedNetworkOptions } from '../simulation/network.ts';

export interface Heard {
  text: string;
  /** What came and when: `bytes 3 30`. */
  readonly events: string[];
}

export function listener(clock: SimulatedClock): Heard & { reader: StreamReader } {
  const heard = { text: '', events: [] as string[] };
  const note = (event: string) => heard.events.push(`${event} ${clock.monotonicMs()}`);
  const reader: StreamReader = {
    buffer: () => new Uint8Array(1_024),
    onBytes: (bytes) => {
      heard.text += new TextDecoder('latin1').decode(bytes);
      note(`bytes ${bytes.length}`);
    },
    onEnd: () => void note('end'),
    onReset: () => void note('reset'),
  };
  return Object.assign(heard, { reader });
}

export const say = (stream: ByteStream, text: string) => stream.write([new TextEncoder().encode(text)]);

/** `right` listens at port 4000. Nobody has dialled yet. */
export async function twoHosts(options: Partial<SimulatedNetworkOptions> = {}, rightOptions: HostOptions = {}) {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork({ clock, latencyMs: 10, ...options });
  const left = listener(clock);
  const right = listener(clock);
  const accepted: ByteStream[] = [];
  const at = await network.host('right', rightOptions).listen({ host: '0.0.0.0', port: 4_000 }, (stream) => {
    accepted.push(stream);
    return right.reader;
  });
  const dial = () => network.host('left').connect({ host: 'right', port: 4_000 }, () => left.reader);
  return { clock, network, at, dial, left, right, accepted };
}

/** The same, with a stream between the two. */
export async function connected(options: Partial<SimulatedNetworkOptions> = {}) {
  const hosts = await twoHosts(options);
  const fromLeft = await hosts.clock.runUntil(hosts.dial());
  return { ...hosts, fromLeft, fromRight: hosts.accepted[0]! };
}
