import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../host/clock.ts';
import type { Random } from '../../runtime/random.ts';
import {
  type AnyNodeOptions,
  type DrivenWorld,
  type Named,
  nameOf,
  type SettleOptions,
  type UntilOptions,
  type WorldStart,
} from '../any-world.ts';
import { type Duration, durationMs } from '../duration.ts';
import { SimulationError } from '../errors.ts';
import type { Fault } from '../faults.ts';
import type { HostOptions } from '../machine.ts';
import { isNamed } from '../program.ts';
import { seededRandom } from '../random.ts';
import type { Trace } from '../trace.ts';
import type { NodeProgram } from '../world-node.ts';
import { Guard } from './guard.ts';
import { Journal } from './journal.ts';
import { beforeProcessEnds } from './last-words.ts';
import type { Dial } from './life.ts';
import { Links } from './links.ts';
import { LoopbackNode } from './node.ts';
import { sinceMs } from './orders.ts';

const QUIET_MS = 1_000;
/** How long a real world is given for what a scenario waits for. */
const PATIENCE_MS = 60_000;

/** A world whose nodes are processes of this machine, and whose links are proxies on its loopback address. Time is real. */
export class LoopbackWorld implements DrivenWorld {
  readonly seed: number;
  readonly clock = systemClock;
  readonly random: Random;
  readonly #start: Required<Pick<WorldStart, 'keepBytes' | 'logLevel'>>;
  readonly #execArgvFor: (module: string) => readonly string[];
  readonly #originNs = process.hrtime.bigint();
  readonly #folder = mkdtempSync(join(tmpdir(), 'postern-world-'));
  readonly #journal: Journal;
  readonly #links: Links;
  readonly #nodes = new Map<string, LoopbackNode>();
  readonly #hosts = new Map<string, HostOptions>();
  readonly #dials = new Set<Dial>();
  readonly #awaited = new Set<{ readonly isTrue: () => boolean; readonly over: () => void }>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #pausedUntilMs = new Map<string, number>();
  readonly #guard = new Guard();
  readonly #forget: () => void;
  #messageCount = 0;
  #fail: (failure: Error) => void = () => undefined;
  readonly #failed: Promise<never>;

  /** @param execArgvFor the arguments of the host for a process whose program is in that module */
  constructor(start: WorldStart, execArgvFor: (module: string) => readonly string[]) {
    this.seed = start.seed;
    this.random = seededRandom(start.seed);
    this.#start = { keepBytes: start.keepBytes ?? false, logLevel: start.logLevel ?? 'info' };
    this.#execArgvFor = execArgvFor;
    this.#journal = new Journal(start, () => this.#changed());
    this.#links = new Links({
      nowMs: () => this.nowMs,
      keepBytes: this.#start.keepBytes,
      record: (event) => this.#journal.record(event),
      realPort: (node, port) => this.#nodes.get(node)?.realPort(port),
    });
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.#failed.catch(() => undefined);
    this.#forget = beforeProcessEnds(() => {
      this.#guard.end();
      for (const node of this.#nodes.values()) void node.kill();
      rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  /** Real time since it was made. */
  get nowMs(): number {
    return sinceMs(this.#originNs);
  }

  get trace(): Trace {
    return this.#journal.trace;
  }

  /**
   * A process that runs this program from its start, and a new one after each restart.
   * @param program made with `program`, so that a process finds it
   * @throws {SimulationError} `WORLD` when the name is taken; `NOT_ON_LOOPBACK` for what no process can be given
   */
  node<Result, Settings>(
    name: string,
    program: NodeProgram<Result, Settings>,
    options: AnyNodeOptions<Settings> = {},
  ): LoopbackNode<Result> {
    if (this.#nodes.has(name)) throw new SimulationError('WORLD', `There is a node called ${name} already.`);
    if (!isNamed(program))
      throw notHere(`A process finds its program by module and name: make that of ${name} with \`program(import.meta.url, 'NAME', ...)\`.`);
    const { host = {}, settings } = options;
    if (host.nameAlsoLeadsTo !== undefined) throw notHere('A name that also leads to a dead address is for simulations.');
    const { module, exportName } = program;
    const node = new LoopbackNode<Result>({
      beginning: {
        node: name,
        module,
        exportName,
        settings: dataOf(settings, name),
        storageFile: join(this.#folder, `storage-${this.#nodes.size}`),
        originNs: this.#originNs,
        ...this.#start,
      },
      execArgv: this.#execArgvFor(module),
      nextMessage: () => ++this.#messageCount,
      happened: (event) => this.#journal.record(event),
      dials: (dial) => this.#dialled(dial),
      changed: () => this.#changed(),
      began: (life) => this.#journal.record({ kind: 'node', atMs: this.nowMs, node: name, what: 'started', life }),
      ended: (life, what, left) =>
        this.#journal.record({ kind: 'node', atMs: this.nowMs, node: name, what, life, ...(left !== undefined && { left }) }),
      failed: (what, cause) => this.#fail(new SimulationError('PROGRAM_FAILED', `The program of ${name} ${what}`, { cause })),
    });
    this.#nodes.set(name, node);
    this.#hosts.set(name, host);
    this.#journal.knowsNode(name);
    node.start();
    return node;
  }

  get(name: string): LoopbackNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new SimulationError('WORLD', `No node of this world is called ${name}.`);
    return node;
  }

  pass(duration: Duration): Promise<void> {
    return new Promise((resolve) => void this.#after(durationMs(duration), resolve));
  }

  async at<Result>(time: Duration, action: () => Result | Promise<Result>): Promise<Result> {
    await this.pass(Math.max(0, durationMs(time) - this.nowMs));
    return action();
  }

  async until(isTrue: () => boolean, { within = PATIENCE_MS }: UntilOptions = {}): Promise<void> {
    if (isTrue()) return;
    await new Promise<void>((resolve, reject) => {
      const cancel = this.#after(durationMs(within), () => {
        this.#awaited.delete(awaited);
        reject(new SimulationError('NEVER_SETTLED', `What was waited for did not happen within ${durationMs(within)} ms.`));
      });
      const over = () => {
        cancel();
        this.#awaited.delete(awaited);
        resolve();
      };
      const awaited = { isTrue, over };
      this.#awaited.add(awaited);
    });
  }

  async settled({ quiet = QUIET_MS, within = PATIENCE_MS }: SettleOptions = {}): Promise<void> {
    const [quietMs, sinceMs] = [durationMs(quiet), this.nowMs];
    const deadlineMs = sinceMs + durationMs(within);
    for (;;) {
      const leftMs = Math.max(sinceMs, this.#journal.activeAtMs) + quietMs - this.nowMs;
      if (leftMs <= 0) return;
      if (this.nowMs + leftMs > deadlineMs)
        throw new SimulationError('NEVER_SETTLED', `Something was still sent every ${quietMs} ms after ${durationMs(within)} ms.`);
      await this.pass(leftMs);
    }
  }

  apply(fault: Fault): void {
    mustBeReal(fault);
    const now = { ...fault, atMs: this.nowMs };
    this.#journal.record({ kind: 'fault', atMs: now.atMs, fault: now });
    this.#inflict(now);
  }

  plan(faults: readonly Fault[]): void {
    faults.forEach(mustBeReal);
    for (const fault of faults) this.#after(Math.max(0, fault.atMs - this.nowMs), () => this.apply(fault));
  }

  partition(one: Named, other: Named): void {
    this.apply({ kind: 'partition', atMs: this.nowMs, one: nameOf(one), other: nameOf(other) });
  }

  heal(one: Named, other: Named): void {
    this.apply({ kind: 'heal', atMs: this.nowMs, one: nameOf(one), other: nameOf(other) });
  }

  hold(from: Named, to: Named): void {
    this.apply({ kind: 'hold', atMs: this.nowMs, from: nameOf(from), to: nameOf(to) });
  }

  release(from: Named, to: Named): void {
    this.apply({ kind: 'release', atMs: this.nowMs, from: nameOf(from), to: nameOf(to) });
  }

  reset(one: Named, other: Named): void {
    this.apply({ kind: 'reset', atMs: this.nowMs, one: nameOf(one), other: nameOf(other) });
  }

  pause(node: Named, duration: Duration): void {
    this.apply({ kind: 'pause', atMs: this.nowMs, node: nameOf(node), forMs: durationMs(duration) });
  }

  crash(node: Named, options: { readonly losesStorage?: boolean } = {}): void {
    this.apply({ kind: 'crash', atMs: this.nowMs, node: nameOf(node), ...options });
  }

  restart<Result>(node: LoopbackNode<Result>): Promise<Result> {
    this.apply({ kind: 'restart', atMs: this.nowMs, node: node.name });
    return node.ready;
  }

  note(text: string, node?: Named): void {
    this.#journal.record({ kind: 'note', atMs: this.nowMs, text, ...(node !== undefined && { node: nameOf(node) }) });
  }

  async stop(): Promise<void> {
    for (const node of [...this.#nodes.values()].reverse()) if (node.isUp) await node.stop();
  }

  /** For scenarios that were written for a simulation alone. @throws {SimulationError} `NOT_ON_LOOPBACK` */
  get network(): never {
    throw notHere('The network is the real one: use partition, heal, hold, release and reset of the world.');
  }

  /** @throws as `network` */
  link(): never {
    throw notHere('A proxy gives a link no latency, loss or bandwidth of its own: leave `link` out, or run this in a simulation.');
  }

  /** @throws as `network` */
  nodes(): never {
    throw notHere('A process does what its program says: use `node` with a program, made with `program`.');
  }

  /** @throws as `network` */
  tamper(): never {
    throw notHere('The bytes of real streams are not touched: run this in a simulation.');
  }

  /** @throws as `network` */
  skewClock(): never {
    throw notHere('All processes of a machine share its clock: run this in a simulation.');
  }

  drive<Result>(work: Promise<Result>): Promise<Result> {
    return Promise.race([work, this.#failed]);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all([...this.#nodes.values()].map((node) => node.kill()));
    this.#guard.end();
    await this.#links.close();
    rmSync(this.#folder, { recursive: true, force: true });
    this.#forget();
  }

  #changed(): void {
    for (const { isTrue, over } of [...this.#awaited]) if (isTrue()) over();
  }

  #after(ms: number, callback: () => void): () => void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#attempt(callback);
    }, ms);
    this.#timers.add(timer);
    return () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
    };
  }

  /** A fault that was planned has nobody to throw to. */
  #attempt(callback: () => void): void {
    try {
      callback();
    } catch (thrown) {
      this.#fail(thrown instanceof Error ? thrown : new TypeError('something that is no error was thrown', { cause: thrown }));
    }
  }

  #inflict(fault: Fault): void {
    switch (fault.kind) {
      case 'partition':
      case 'heal': {
        for (const way of [this.#links.way(fault.one, fault.other), this.#links.way(fault.other, fault.one)]) {
          way.isCut = fault.kind === 'partition';
          if (fault.kind === 'heal') way.isHeld = false;
        }
        return this.#flow();
      }
      case 'hold':
      case 'release':
        this.#links.way(fault.from, fault.to).isHeld = fault.kind === 'hold';
        return this.#flow();
      case 'reset':
        return this.#links.reset(fault.one, fault.other);
      case 'pause':
        return this.#pause(fault.node, fault.forMs);
      case 'crash':
        this.get(fault.node).crash(fault);
        return this.#standsStill(fault.node, undefined);
      case 'restart': {
        const node = this.get(fault.node);
        if (!node.isUp) node.start();
        return;
      }
      default:
        throw notHere(`${fault.kind} cannot be done to real processes.`);
    }
  }

  /** One pause may lie over another. */
  #pause(name: string, forMs: number): void {
    const node = this.get(name);
    const untilMs = Math.max(this.nowMs + forMs, this.#pausedUntilMs.get(name) ?? 0);
    this.#standsStill(name, untilMs);
    node.pause();
    this.#after(untilMs - this.nowMs, () => {
      if (this.#pausedUntilMs.get(name) !== untilMs) return;
      node.resume();
      this.#standsStill(name, undefined);
    });
  }

  #standsStill(name: string, untilMs: number | undefined): void {
    if (untilMs === undefined && !this.#pausedUntilMs.delete(name)) return;
    if (untilMs !== undefined) this.#pausedUntilMs.set(name, untilMs);
    this.#guard.watch([...this.#pausedUntilMs.keys()].flatMap((paused) => this.#nodes.get(paused)?.pid ?? []));
  }

  #flow(): void {
    this.#links.flow();
    this.#serveDials();
  }

  #dialled(dial: Dial): void {
    const host = this.#hosts.get(dial.host);
    if (host === undefined) {
      dial.refuse('NAME_UNKNOWN', `No node of this world is called ${dial.host}.`);
      return;
    }
    this.#after(host.nameTakesMs ?? 0, () => {
      this.#dials.add(dial);
      this.#serveDials();
    });
  }

  /** Answers dials that get through. The others wait until they do, or until nobody waits for them. */
  #serveDials(): void {
    for (const dial of [...this.#dials]) {
      const { from, host, port } = dial;
      if (!dial.isOver && (this.#hosts.get(host)?.isBehindNat === true || !this.#links.isOpen(from, host))) continue;
      this.#dials.delete(dial);
      if (dial.isOver) continue;
      if (this.#nodes.get(host)?.realPort(port) === undefined) {
        this.#links.refused(from, host, port);
        dial.refuse('CONNECT_REFUSED', `Nothing accepts connections at ${host}:${port}.`);
      } else void this.#links.proxy(from, host, port).then((at) => dial.answer(at), this.#fail);
    }
  }
}

const notHere = (text: string, cause?: unknown) => new SimulationError('NOT_ON_LOOPBACK', text, { cause });

/** @throws {SimulationError} `NOT_ON_LOOPBACK` */
function mustBeReal({ kind }: Fault): void {
  switch (kind) {
    case 'partition':
    case 'heal':
    case 'hold':
    case 'release':
    case 'reset':
    case 'pause':
    case 'crash':
    case 'restart':
      return;
    case 'skewClock':
      throw notHere(
        'All processes of a machine share its clock: skewClock is for simulations. Leave it out of the faults, or run them there.',
      );
    default:
      throw notHere(
        `The bytes of real streams are not touched: ${kind} is for simulations. Leave it out of the faults, or run them there.`,
      );
  }
}

function dataOf(settings: unknown, node: string): unknown {
  try {
    return structuredClone(settings);
  } catch (cause) {
    throw notHere(
      `The settings of ${node} are data where it runs in a process of its own: these hold something else, such as a function.`,
      cause,
    );
  }
}
