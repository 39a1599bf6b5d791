import { TransportError } from '../../runtime/errors.ts';
import type { ByteStream, ConnectOptions, HostPort, Network, StreamListener, StreamReader } from '../../runtime/network.ts';
import { nodeNetwork } from '../../transports/node-network.ts';
import { isLoopbackName, Machine } from '../machine.ts';
import type { Fact, Order } from './orders.ts';

const LOOPBACK = '127.0.0.1';
/** After it Linux gives a dial up that gets no answer. */
const DIAL_MS_MAX = 127_000;

type Answer = Extract<Order, { kind: 'dialled' | 'unreachable' }>;

/**
 * Real TCP under the names of the world: `bank:4000` is a port of the loopback address that the system chose, and the way to it
 * leads through a proxy of the world.
 */
export class NamedNetwork implements Network {
  readonly #machine: Machine;
  readonly #tell: (fact: Fact) => void;
  /** Where each port really is, by the number it goes by. */
  readonly #ports = new Map<number, number>();
  readonly #dials = new Map<number, (answer: Answer) => void>();
  #dialCount = 0;

  constructor(node: string, tell: (fact: Fact) => void) {
    this.#machine = new Machine(node);
    this.#tell = tell;
  }

  /** The world says where a dial goes. */
  answered(answer: Answer): void {
    this.#dials.get(answer.dial)?.(answer);
  }

  async listen(at: HostPort, accept: (stream: ByteStream) => StreamReader | undefined): Promise<StreamListener> {
    // The machine of a simulation keeps the books: which names and ports are its own, and which are taken.
    const claimed = this.#machine.listen(at, accept);
    const { port } = claimed.local;
    const real = await nodeNetwork.listen({ host: LOOPBACK, port: 0 }, accept).catch(async (thrown: unknown) => {
      await claimed.close();
      throw thrown;
    });
    this.#ports.set(port, real.local.port);
    this.#tell({ kind: 'listens', port, at: real.local.port, isLoopback: isLoopbackName(at.host) });
    const close = async () => {
      if (this.#ports.get(port) === real.local.port) {
        this.#ports.delete(port);
        this.#tell({ kind: 'listensNoMore', port });
      }
      await claimed.close();
      await real.close();
    };
    return { local: claimed.local, close };
  }

  async connect(target: HostPort, reader: (stream: ByteStream) => StreamReader, options: ConnectOptions = {}): Promise<ByteStream> {
    const startMs = performance.now();
    const timeoutMs = options.timeoutMs ?? DIAL_MS_MAX;
    const port = await this.#resolve(target, timeoutMs, options.signal);
    const leftMs = Math.max(1, timeoutMs - (performance.now() - startMs));
    return nodeNetwork.connect({ host: LOOPBACK, port }, reader, { ...options, timeoutMs: leftMs });
  }

  /** @returns a port of the loopback address */
  #resolve({ host, port }: HostPort, timeoutMs: number, signal: AbortSignal | undefined): Promise<number> {
    const where = `${host}:${port}`;
    if (isLoopbackName(host) || host === this.#machine.name) {
      const own = this.#ports.get(port);
      if (own !== undefined) return Promise.resolve(own);
      return Promise.reject(new TransportError('CONNECT_REFUSED', `Nothing accepts connections at ${where}.`));
    }
    return new Promise((resolve, reject) => {
      const dial = ++this.#dialCount;
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#dials.delete(dial);
      };
      const giveUp = (error: TransportError) => {
        settle();
        this.#tell({ kind: 'gaveUp', dial });
        reject(error);
      };
      const onAbort = () =>
        giveUp(new TransportError('CONNECT_ABORTED', `The attempt to connect to ${where} was called off.`, { cause: signal?.reason }));
      const timer = setTimeout(() => giveUp(new TransportError('CONNECT_TIMEOUT', `${where} did not answer in time.`)), timeoutMs);
      if (signal?.aborted === true) {
        onAbort();
        return;
      }
      signal?.addEventListener('abort', onAbort);
      this.#dials.set(dial, (answer) => {
        settle();
        if (answer.kind === 'dialled') resolve(answer.port);
        else reject(new TransportError(answer.code, answer.text));
      });
      this.#tell({ kind: 'dials', dial, host, port });
    });
  }
}
