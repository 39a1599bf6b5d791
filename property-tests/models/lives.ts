import fc from 'fast-check';
import { expect } from 'vitest';
import type { Context } from '../../runtime/context.ts';
import { RuntimeError } from '../../runtime/errors.ts';
import { STOP_DEADLINE_MS } from '../../runtime/node.ts';
import type { Worker } from '../../runtime/worker.ts';
import { LifeModel } from './router.model.ts';
import { type SmallNode, smallNode } from '../node-watch.ts';

const KINDS = ['plain', 'slow start', 'slow handler', 'slow stop', 'fails', 'fails later', 'stops itself'] as const;
type Kind = (typeof KINDS)[number];

/** A node and what has become of its workers. */
interface Real extends SmallNode {
  readonly begun: Map<string, number>;
  readonly stops: Promise<void>[];
  readonly contexts: Map<string, Context>;
}

function workerOf(kind: Kind, real: Real, name: string): Worker {
  const pause = (context: Context) => new Promise<void>((resolve) => void context.setTimer(2, resolve));
  let inside = 0;
  return {
    onStart: (context) => {
      real.begun.set(name, (real.begun.get(name) ?? 0) + 1);
      real.contexts.set(name, context);
      return kind === 'slow start' ? pause(context) : undefined;
    },
    onMessage: (_, context) => {
      expect(inside).toBe(0);
      if (kind === 'fails') throw new Error('as told');
      if (kind === 'stops itself') context.stop();
      if (kind !== 'slow handler' && kind !== 'fails later') return;
      inside += 1;
      return pause(context).then(() => {
        inside -= 1;
        if (kind === 'fails later') throw new Error('as told');
      });
    },
    onStop: (context) => {
      real.begun.set(name, (real.begun.get(name) ?? 0) - 1);
      return kind === 'slow stop' ? pause(context) : undefined;
    },
  };
}

type Command = fc.AsyncCommand<LifeModel, Real>;

class Start implements Command {
  readonly name: string;
  readonly kind: Kind;
  readonly policy: 'continue' | 'stop' | 'restart';

  constructor(name: string, kind: Kind, policy: 'continue' | 'stop' | 'restart') {
    this.name = name;
    this.kind = kind;
    this.policy = policy;
  }

  check(): boolean {
    return true;
  }

  async run(model: LifeModel, real: Real): Promise<void> {
    const start = () =>
      real.node.start(this.name, () => workerOf(this.kind, real, this.name), {
        onFailure: this.policy === 'restart' ? { restart: { limit: 2, withinMs: 20, backoffMs: 3 } } : this.policy,
      });
    if (model.alive.has(this.name)) {
      expect(start).toThrow(expect.objectContaining({ code: 'ADDRESS_IN_USE' }));
      return;
    }
    start();
    model.start(this.name);
    real.node.watch(this.name, () => model.ended(this.name));
  }

  toString(): string {
    return `start ${this.name} (${this.kind}, ${this.policy})`;
  }
}

class Send implements Command {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  check(): boolean {
    return true;
  }

  async run(model: LifeModel, { node, watch }: Real): Promise<void> {
    const [lost, sent] = [node.deadLetters.count(), watch.sent];
    void node.send(this.name, new Uint8Array(3));
    if (!model.alive.has(this.name)) expect([node.deadLetters.count(), watch.sent]).toEqual([lost + 1, sent]);
    else if (model.stopping.has(this.name)) expect([node.deadLetters.count(), watch.sent]).toEqual([lost + 1, sent]);
    else expect(node.deadLetters.count() - lost + watch.sent - sent).toBe(1);
  }

  toString(): string {
    return `send ${this.name}`;
  }
}

class Stop implements Command {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  check(): boolean {
    return true;
  }

  async run(model: LifeModel, real: Real): Promise<void> {
    const wasAlive = model.alive.has(this.name);
    const stopped = real.node.stopWorker(this.name);
    if (!wasAlive) {
      await expect(stopped).rejects.toThrow(RuntimeError);
      return;
    }
    real.stops.push(stopped);
    if (!model.alive.has(this.name)) return; // It waited for its restart, and ended at once.
    model.stop(this.name);
    expect(real.node.stopWorker(this.name)).toBe(stopped);
  }

  toString(): string {
    return `stop ${this.name}`;
  }
}

/** Something outside the worker calls it and fails, whatever the worker is doing. */
class Disturb implements Command {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  check(): boolean {
    return true;
  }

  async run(_: LifeModel, { contexts }: Real): Promise<void> {
    contexts.get(this.name)?.enter(() => {
      throw new Error('as told');
    });
  }

  toString(): string {
    return `disturb ${this.name}`;
  }
}

class Wait implements Command {
  readonly ms: number;

  constructor(ms: number) {
    this.ms = ms;
  }

  check(): boolean {
    return true;
  }

  async run(model: LifeModel, { node, clock }: Real): Promise<void> {
    await clock.run({ untilMs: clock.monotonicMs() + this.ms });
    expect(node.addresses.map(({ name }) => name).toSorted()).toEqual([...model.alive].toSorted());
  }

  toString(): string {
    return `wait ${this.ms}`;
  }
}

const name = fc.constantFrom('a', 'b', 'c');
const commands = fc.commands(
  [
    fc
      .tuple(name, fc.constantFrom(...KINDS), fc.constantFrom('continue' as const, 'stop' as const, 'restart' as const))
      .map((of) => new Start(...of)),
    name.map((of) => new Send(of)),
    name.map((of) => new Send(of)),
    name.map((of) => new Stop(of)),
    name.map((of) => new Disturb(of)),
    fc.nat(4).map((ms) => new Wait(ms)),
  ],
  { maxCommands: 30 },
);

/**
 * Any order of start, send, stop and failure ends well: errors, not hangs, and nothing stays behind. Throws what contradicts it.
 * Source: reliability.md RT15
 */
export async function checkLives(numRuns: number, seed?: number): Promise<void> {
  const law = fc.asyncProperty(commands, async (steps) => {
    const real: Real = { ...smallNode(), begun: new Map(), stops: [], contexts: new Map() };
    await fc.asyncModelRun(() => ({ model: new LifeModel(), real }), steps);
    const { node, clock, watch } = real;
    const startMs = clock.monotonicMs();
    await clock.runUntil(Promise.all([node.stop(), ...real.stops]));
    expect(clock.monotonicMs() - startMs).toBeLessThan(STOP_DEADLINE_MS);
    expect([node.addresses, clock.pendingCount, node.flows.isEmpty, watch.faults]).toEqual([[], 0, true, []]);
    // onStop was called as often as onStart.
    expect([...real.begun.values()].every((begun) => begun === 0)).toBe(true);
  });
  await fc.assert(law, { numRuns, ...(seed !== undefined && { seed }) });
}
