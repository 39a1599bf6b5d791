import fc from 'fast-check';
import { type Random, randomFraction } from '../../runtime/random.ts';
import type { Fault } from '../../simulation/faults.ts';
import { faultLists } from '../../simulation/generators.ts';
import type { LinkOptions } from '../../simulation/link.ts';
import type { HostOptions } from '../../simulation/machine.ts';
import { seededRandom } from '../../simulation/random.ts';
import type { LinkPlan, Topology } from '../arbitraries/topologies.ts';

/** What users do, each with how often it is drawn among the others. Explained where it is done: `errands.ts`. */
const ERRANDS = {
  ask: 40,
  stream: 14,
  askOpenly: 10,
  burst: 2,
  flood: 1,
  shed: 1,
  askVault: 3,
  askMembers: 3,
  nobody: 2,
  nowhere: 2,
  pastTheEnd: 2,
  muted: 2,
  thrower: 2,
  spinner: 1,
  closing: 2,
  longRoute: 2,
  tooLarge: 1,
  skipped: 1,
  garbage: 2,
  spoil: 4,
  swallow: 2,
  wedge: 1,
  crowd: 1,
  squat: 6,
  hoard: 2,
  rude: 2,
  original: 2,
  deadEnd: 2,
  rotate: 2,
} as const;
export type Errand = keyof typeof ERRANDS;

export interface Step {
  readonly atMs: number;
  readonly errand: Errand;
  /** Sizes, counts and choices are drawn from it. */
  readonly amount: number;
}

/** Who dials whom, and what the links are like. */
export interface Plan extends Topology {
  readonly seed: number;
  /** The node that others dial: the relay, or the server itself where there are only two. */
  readonly hub: 'hub' | 'server';
  readonly hosts: Readonly<Record<string, HostOptions>>;
  readonly linkOptions: LinkOptions;
  /** The server registers its relay through a channel, so that the name is its own; else by the bare connection. */
  readonly registersSecurely: boolean;
  /** How much one ingress of the client and of the hub may hold, in messages. */
  readonly ingressMessages: number;
  /** All that users do and all faults are before this time, and all faults are undone by then. */
  readonly endMs: number;
  readonly steps: readonly Step[];
}

/** Source: reliability.md R-B1 */
export const STEPS_MAX = 200;
/** Each comes with what undoes it. */
const TROUBLES_MAX = 16;
/** Most runs are short, since few steps find most; some have all the steps there may be. */
const STEPS_EXPONENT = 8;

/** All that a seed decides, but for the faults: those can be taken away one by one. */
export function planOf(seed: number): Plan {
  const draw = new Draw(seededRandom(seed));
  const { nodes, links, hub } = draw.pick(SHAPES);
  const endMs = 2_000 + draw.below(14_000);
  const count = Math.floor((STEPS_MAX - 2 * TROUBLES_MAX) * draw.fraction() ** STEPS_EXPONENT);
  const steps = Array.from({ length: 4 + count }, () => ({ atMs: draw.below(endMs), errand: draw.errand(), amount: draw.below(2 ** 30) }));
  return {
    seed,
    nodes,
    links,
    relays: nodes.filter((name) => name === 'hub' || name === 'annex').map((at) => ({ name: 'server', at, owner: 'server' })),
    hub,
    hosts: Object.fromEntries(
      nodes.map((name) => [
        name,
        links.some(({ listener }) => listener === name)
          ? { ...(draw.isLucky(4) && { nameTakesMs: 1 + draw.below(1_500) }), ...(draw.isLucky(8) && { nameAlsoLeadsTo: 'dead' as const }) }
          : { isBehindNat: true },
      ]),
    ),
    linkOptions: {
      latencyMs: draw.isLucky(2) ? 1 + draw.below(20) : [1, 2 + draw.below(60)],
      ...(draw.isLucky(6) && { bandwidthBytesPerSecond: 100_000 + draw.below(1_000_000) }),
      ...(draw.isLucky(6) && { lossRatio: 0.02 }),
    },
    registersSecurely: draw.isLucky(2),
    ingressMessages: draw.isLucky(3) ? 16 : 1_024,
    endMs,
    steps: steps.sort((one, other) => one.atMs - other.atMs),
  };
}

/**
 * The faults that a seed draws for its plan. Clocks that jump are set right in the end, since what one does to an identity that is
 * made meanwhile can last for ever; for the same reason a node whose clock is wrong keeps its storage.
 */
export function faultsFor(plan: Plan): fc.Arbitrary<readonly Fault[]> {
  return fc.noBias(faultLists(plan, { forMs: plan.endMs, countMax: TROUBLES_MAX, healsBy: plan.endMs })).map((faults) => {
    const skewed = new Set(faults.flatMap((fault) => (fault.kind === 'skewClock' ? [fault.node] : [])));
    return faults
      .flatMap((fault): readonly Fault[] => {
        if (fault.kind === 'skewClock') return [fault, { ...fault, atMs: plan.endMs, seconds: -fault.seconds }];
        if (fault.kind === 'crash' && skewed.has(fault.node)) return [{ kind: 'crash', atMs: fault.atMs, node: fault.node }];
        return [fault];
      })
      .sort((one, other) => one.atMs - other.atMs);
  });
}

/** The list that this seed draws. */
export const faultsOf = (plan: Plan): readonly Fault[] => fc.sample(faultsFor(plan), { seed: plan.seed, numRuns: 1 })[0] ?? [];

const link = (dialer: string, listener: string): LinkPlan => ({ dialer, listener });
const pair = { hub: 'server', nodes: ['server', 'client'], links: [link('client', 'server')] } as const;
const trio = { hub: 'hub', nodes: ['hub', 'server', 'client'], links: [link('server', 'hub'), link('client', 'hub')] } as const;
const four = { hub: 'hub', nodes: [...trio.nodes, 'guest'], links: [...trio.links, link('guest', 'hub')] } as const;
const five = {
  hub: 'hub',
  nodes: ['hub', 'annex', 'server', 'client', 'guest'],
  links: [...trio.links, link('server', 'annex'), link('guest', 'annex')],
} as const;
const SHAPES = [pair, pair, trio, trio, trio, four, four, five];

const WEIGHTED = Object.entries(ERRANDS).flatMap(([name, weight]) => Array.from({ length: weight }, () => name as Errand));

class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  fraction(): number {
    return randomFraction(this.#random);
  }

  below(count: number): number {
    return Math.floor(this.fraction() * count);
  }

  isLucky(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  errand(): Errand {
    return this.pick(WEIGHTED);
  }
}
