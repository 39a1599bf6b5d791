import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

type Fact = Record<string, string | number>;

/** A Ping that is lost is not repeated: a client that hears nothing for so long tries again, as people do. */
export const PATIENCE_MS = 5_000;

/** A node program in a process of its own, by module path. It can be killed with signal 9, and started again. */
export class NodeProcess {
  /** What it told, in all its lives. */
  readonly facts: Fact[] = [];
  readonly #program: string;
  readonly #settings: Record<string, string>;
  #child: ChildProcess | undefined;
  readonly #listeners = new Set<(fact: Fact) => void>();

  /** @param program a file of `programs/` */
  constructor(program: string, settings: Record<string, string>) {
    this.#program = program;
    this.#settings = settings;
  }

  /** Starts it. @returns the first thing it tells under that name */
  async start(fact: string): Promise<string | number> {
    const child = fork(new URL(`programs/${this.#program}.ts`, import.meta.url), {
      env: { ...process.env, ...this.#settings },
      execArgv: ['--import', 'tsx'],
    });
    this.#child = child;
    child.on('message', (told: Fact) => {
      this.facts.push(told);
      for (const listener of [...this.#listeners]) listener(told);
    });
    return this.next((told) => told[fact]);
  }

  /** Waits until it tells something that `pick` wants. */
  next<Value>(pick: (fact: Fact) => Value | undefined): Promise<Value> {
    return new Promise((resolve) => {
      const listener = (fact: Fact) => {
        const value = pick(fact);
        if (value === undefined) return;
        this.#listeners.delete(listener);
        resolve(value);
      };
      this.#listeners.add(listener);
    });
  }

  /** Tells the running program something. */
  tell(order: Fact): void {
    this.#child?.send(order);
  }

  /** Signal 9: it says no goodbye, its machine resets its connections. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
}

/** The demo with real processes: relay, bank, analysis; the target and the clients live here. */
export class ProcessWorld {
  readonly relay: NodeProcess;
  readonly bank: NodeProcess;
  readonly analysis: NodeProcess;
  readonly #target: Server;
  readonly #sockets = new Set<Socket>();
  inletPort = 0;
  /** Told of every connection that the target accepts. */
  onTarget: (socket: Socket) => void = () => undefined;

  private constructor(target: Server, settings: Record<string, string>) {
    this.#target = target;
    this.relay = new NodeProcess('relay', settings);
    this.bank = new NodeProcess('bank', settings);
    this.analysis = new NodeProcess('analysis', settings);
  }

  static async make(): Promise<ProcessWorld> {
    const target = createServer({ allowHalfOpen: true });
    const [targetPort, relayPort] = [await listen(target), await freePort()];
    const settings = {
      RELAY_PORT: String(relayPort),
      TARGET: `127.0.0.1:${targetPort}`,
      BORN_AT: String(Math.floor(Date.now() / 1_000)),
    };
    const world = new ProcessWorld(target, settings);
    target.on('connection', (socket) => {
      world.#hold(socket);
      world.onTarget(socket);
    });
    const [, , inletPort] = await Promise.all([world.relay.start('port'), world.bank.start('registered'), world.analysis.start('port')]);
    world.inletPort = Number(inletPort);
    return world;
  }

  /** A client of the inlet. It may read and write at once; whether it gets through shows later. */
  client(): Socket {
    const socket = connect({ port: this.inletPort, host: '127.0.0.1', allowHalfOpen: true });
    this.#hold(socket);
    return socket;
  }

  /** Connects until a byte comes back. @returns how long it took, in milliseconds */
  async untilAnswered(msMax: number): Promise<number> {
    const startMs = performance.now();
    while (performance.now() - startMs < msMax) {
      if (await this.#isAnswered()) return performance.now() - startMs;
    }
    return Number.POSITIVE_INFINITY;
  }

  async stop(): Promise<void> {
    await Promise.all([this.relay.kill(), this.bank.kill(), this.analysis.kill()]);
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => void this.#target.close(resolve));
  }

  #isAnswered(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = this.client();
      socket.setTimeout(PATIENCE_MS, () => void socket.destroy());
      socket.once('data', () => {
        resolve(true);
        socket.destroy();
      });
      socket.once('close', () => void setTimeout(resolve, 20, false));
      socket.end('?');
    });
  }

  #hold(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined); // `close` follows, and says that there was an error
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const at = server.address();
      resolve(typeof at === 'object' && at !== null ? at.port : 0);
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => void server.close(resolve));
  return port;
}
