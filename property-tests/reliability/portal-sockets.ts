import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import {
  connectionSession,
  createNode,
  type Inlet,
  inlet,
  type Node,
  type Outlet,
  outlet,
  route,
  tcp,
  via,
  whenThere,
} from '../../index.ts';
import { allowEveryone } from '../../runtime/access-control.ts';
import type { LogFields } from '../../runtime/logger.ts';
import { pattern } from '../portal-world.ts';
import { Tally, type Row, type RowResult } from './row.ts';

/** The far side is gone, and a refusal reported, within that time. Source: reliability.md PO4, PO5 */
const GONE_MS_MAX = 5_000;
const ANSWER_BYTES = 1024 * 1024;
const SHORT_BYTES = 1_024;
/** Source: reliability.md R-C8 */
const AT_ONCE = 50;

/** An inlet and an outlet over real sockets of this process; the target is what `serve` makes of each connection. */
class SocketWorld {
  readonly far: Node;
  readonly near: Node;
  readonly inlet: Inlet;
  readonly outlet: Outlet;
  readonly #target: Server;
  readonly accepted = new Set<Socket>();
  serve: (socket: Socket) => void = () => undefined;

  private constructor(parts: Pick<SocketWorld, 'far' | 'near' | 'inlet' | 'outlet'>, target: Server) {
    this.far = parts.far;
    this.near = parts.near;
    this.inlet = parts.inlet;
    this.outlet = parts.outlet;
    this.#target = target;
    target.on('connection', (socket) => {
      this.accepted.add(socket);
      socket.on('error', () => undefined).once('close', () => this.accepted.delete(socket));
      this.serve(socket);
    });
  }

  static async make(): Promise<SocketWorld> {
    const target = createServer({ allowHalfOpen: true });
    target.listen(0, '127.0.0.1');
    await once(target, 'listening');
    const { port } = target.address() as { port: number };
    const [far, near] = [await createNode({ name: 'far' }), await createNode({ name: 'near' })];
    const listener = await far.listen(tcp(), '127.0.0.1:0');
    const made = outlet(far, { target: `127.0.0.1:${port}`, on: listener, allow: allowEveryone });
    const link = connectionSession(near, tcp(), `127.0.0.1:${listener.local.port}`);
    const way = via(link, 'outlet');
    const opened = await inlet(near, { listen: '127.0.0.1:0', outlet: way, allow: allowEveryone });
    await whenThere(link);
    return new SocketWorld({ far, near, inlet: opened, outlet: made }, target);
  }

  client(): Socket {
    return connect({ port: this.inlet.local.port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => undefined);
  }

  /** From now on the target refuses. */
  async refuse(): Promise<void> {
    for (const socket of this.accepted) socket.destroy();
    this.#target.close();
    await once(this.#target, 'close');
  }

  /** What there is because of streams: sockets, streams and workers. */
  get left(): string {
    const { inlet: ours, outlet: theirs, near, far } = this;
    return `${this.accepted.size} sockets, ${ours.streams}+${theirs.streams} streams, ${near.addresses.length}+${far.addresses.length} workers`;
  }

  /** @returns whether it comes to that within the time */
  async settles(left: string): Promise<boolean> {
    const untilMs = performance.now() + GONE_MS_MAX;
    while (this.left !== left && performance.now() < untilMs) await sleep(5);
    return this.left === left;
  }

  async stop(): Promise<void> {
    await Promise.all([this.near.stop(), this.far.stop()]);
    for (const socket of this.accepted) socket.destroy();
    this.#target.close();
  }
}

const sleep = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));

/** What a client reads until the end, or why it was cut off. */
function readAll(socket: Socket): Promise<Buffer | 'reset'> {
  const chunks: Buffer[] = [];
  return new Promise((resolve) => {
    socket.on('data', (bytes: Buffer) => void chunks.push(bytes));
    socket.once('end', () => resolve(Buffer.concat(chunks)));
    socket.once('close', () => resolve('reset'));
  });
}

async function halfClose(world: SocketWorld, answer: Uint8Array): Promise<string | undefined> {
  world.serve = (socket) => void socket.resume().once('end', () => socket.end(answer));
  const client = world.client();
  client.end('what?');
  const read = await readAll(client);
  return read !== 'reset' && read.equals(answer) ? undefined : 'the answer is not whole';
}

async function reset(world: SocketWorld, byClient: boolean): Promise<string | undefined> {
  const accepted = new Promise<Socket>((resolve) => {
    world.serve = (socket) => void socket.once('data', () => resolve(socket));
  });
  const client = world.client();
  client.write('hello');
  const target = await accepted;
  const [one, other] = byClient ? [client, target] : [target, client];
  const gone = readAll(other);
  one.resetAndDestroy();
  const seen = await Promise.race([gone, sleep(GONE_MS_MAX)]);
  return seen === 'reset' ? undefined : 'the other end saw no reset';
}

async function refused(world: SocketWorld, tally: Tally): Promise<string | undefined> {
  const startMs = performance.now();
  const client = world.client();
  const seen = await Promise.race([readAll(client), sleep(GONE_MS_MAX)]);
  tally.measured(performance.now() - startMs, 'ms until a refusal was reported');
  return seen === 'reset' ? undefined : 'no reset';
}

/** A fifth half-closes, two fifths resets by either side, two fifths refused. */
async function ends(count: number): Promise<RowResult> {
  const world = await SocketWorld.make();
  const tally = new Tally();
  const before = world.left;
  const answer = pattern(ANSWER_BYTES, 5);
  const [halves, resets] = [Math.ceil(count / 5), Math.ceil((3 * count) / 5)];
  for (let index = 0; index < count; index++) {
    if (index === resets) await world.refuse();
    await tally.trial(async () => {
      const fault =
        index < halves
          ? await halfClose(world, answer)
          : index < resets
            ? await reset(world, index % 2 === 0)
            : await refused(world, tally);
      return fault ?? ((await world.settles(before)) ? undefined : `left: ${world.left}; at first: ${before}`);
    });
  }
  await world.stop();
  return tally.result;
}

/** Many short connections, 50 at a time. */
async function churn(count: number): Promise<RowResult> {
  const world = await SocketWorld.make();
  const tally = new Tally();
  const before = world.left;
  const said = pattern(SHORT_BYTES, 3);
  world.serve = (socket) => void socket.pipe(socket);
  let next = 0;
  const worker = async () => {
    while (next++ < count) {
      await tally.trial(async () => {
        const client = world.client();
        client.end(said);
        const read = await readAll(client);
        return read !== 'reset' && read.equals(said) ? undefined : read === 'reset' ? read : `${read.length} bytes`;
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const isIdle = await world.settles(before);
  const { left } = world;
  await world.stop();
  const { result } = tally;
  return isIdle ? result : { ...result, passed: 0, worst: `left: ${left}; at first: ${before}` };
}

/** Where an inlet can be reached when told nothing, loopback, or everything, and what is said of it. */
async function beyond(index: number): Promise<string | undefined> {
  const listens = ['0', '127.0.0.1:0', 'localhost:0', '0.0.0.0:0'] as const;
  const listen = listens[index % listens.length] ?? '0';
  const warnings: (LogFields | undefined)[] = [];
  const log = (_level: string, event: string, fields?: LogFields) => {
    if (event === 'inlet.beyond.loopback') warnings.push(fields);
  };
  await using node = await createNode({ name: 'near', logger: { log } });
  const { local } = await inlet(node, { listen, outlet: route('nowhere'), allow: allowEveryone });
  const isOpen = listen.startsWith('0.0.0.0');
  if (isOpen !== (local.host === '0.0.0.0')) return `${listen} listens on ${local.host}`;
  return warnings.length === (isOpen ? 1 : 0) ? undefined : `${listen} brings ${warnings.length} warnings`;
}

export const rows: readonly Row[] = [
  {
    id: 'R-C6',
    about: '100 half-closes, 200 resets, 200 refused targets over real sockets: exact, told and gone within 5 s',
    full: 500,
    run: ({ count }) => ends(count),
  },
  {
    id: 'R-C8',
    about: '20,000 short connections, 50 at a time, over real sockets: none fails, and nothing is left',
    full: 20_000,
    run: ({ count }) => churn(count),
  },
  {
    id: 'PO8',
    about: 'an inlet listens on loopback unless told otherwise, and says so then',
    full: 20,
    run: async ({ count }) => {
      const tally = new Tally();
      for (let index = 0; index < count; index++) await tally.trial(() => beyond(index));
      return tally.result;
    },
  },
];
