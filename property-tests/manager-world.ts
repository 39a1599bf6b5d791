import { createIdentity, type Identity } from '../identities/identity.ts';
import { MemoryIdentityRepository } from '../identities/repository.ts';
import { createManager, type Manager, type ManagerOptions } from '../manager/manager.ts';
import { MemoryHome } from '../manager/memory.ts';
import type { PosternError } from '../runtime/errors.ts';
import { silentLogger } from '../runtime/logger.ts';
import type { ByteStream, StreamReader } from '../runtime/network.ts';
import { Node } from '../runtime/node.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { SimulatedNetwork } from '../simulation/network.ts';
import { seededRandom } from '../simulation/random.ts';

/** Homes on machines; identities and what is stored outlive the nodes. */
export class ManagerWorld {
  readonly clock = new SimulatedClock();
  readonly network = new SimulatedNetwork({ clock: this.clock, latencyMs: 1 });
  readonly homes = new Map<string, MemoryHome>();
  readonly identities = new Map<string, { readonly identity: Identity; readonly repository: MemoryIdentityRepository }>();
  readonly managers: Manager[] = [];
  #seed = 1;

  run<Value>(promise: Promise<Value>): Promise<Value> {
    return this.clock.runUntil(promise);
  }

  pass(ms: number): Promise<void> {
    return this.clock.run({ untilMs: this.clock.monotonicMs() + ms });
  }

  home(machine: string): MemoryHome {
    const home = this.homes.get(machine) ?? new MemoryHome();
    this.homes.set(machine, home);
    return home;
  }

  async identity(name: string) {
    const repository = new MemoryIdentityRepository();
    const made = this.identities.get(name) ?? {
      identity: await createIdentity({ clock: this.clock, random: seededRandom((this.#seed += 1)), repository }),
      repository,
    };
    this.identities.set(name, made);
    return made;
  }

  async start(name: string, options: Partial<ManagerOptions> = {}, machine = 'one'): Promise<Manager> {
    const network = this.network.host(machine);
    const random = seededRandom((this.#seed += 1));
    const node = new Node({ name, clock: this.clock, random, network, logger: silentLogger });
    const identity = await this.identity(name);
    const trust = { kind: 'open' } as const;
    const manager = await this.run(createManager({ node, ...identity, home: this.home(machine), trust, ...options }));
    this.managers.push(manager);
    return manager;
  }

  /** A server that answers each connection with what it is told, turned round. */
  serve(machine: string, port: number) {
    return this.run(
      this.network.host(machine).listen({ host: '127.0.0.1', port }, (stream: ByteStream): StreamReader => {
        return reader((bytes) => void stream.write([bytes.slice().reverse()]));
      }),
    );
  }

  /** Says `abc` at a port and tells what comes back within 3 s. */
  async says(machine: string, at: string): Promise<string> {
    let heard = '';
    const [host = '', port] = at.split(':');
    const dialled = this.network.host(machine).connect({ host, port: Number(port) }, () =>
      reader((bytes) => {
        heard += new TextDecoder().decode(bytes);
      }),
    );
    const stream = await this.run(dialled);
    stream.write([new TextEncoder().encode('abc')]);
    await this.pass(3_000);
    stream.reset();
    return heard;
  }

  async echoes(from: Manager, to: string): Promise<string> {
    const link = await this.run(from.open(to));
    await this.pass(500);
    const answer =
      link.current === undefined
        ? 'down'
        : await this.run(
            from.node.request(link.current, Uint8Array.of(7), { timeoutMs: 2_000 }).then(({ payload }) => payload.join(), codeOf),
          );
    await this.run(link.close());
    return answer;
  }
}

export const codeOf = (thrown: unknown) => (thrown as PosternError).code;
const bytesMax = 1_024;
export function reader(onBytes: (bytes: Uint8Array) => void): StreamReader {
  const buffer = new Uint8Array(bytesMax);
  return { buffer: () => buffer, onBytes, onEnd: () => undefined, onReset: () => undefined };
}
