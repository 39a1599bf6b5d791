import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Identifier } from '../../identities/identifier.ts';
import { nodeCrypto } from '../../identities/node-crypto.ts';
import type { Random } from '../../runtime/random.ts';
import { hex, randomFraction } from '../../runtime/random.ts';
import { seededRandom } from '../../simulation/random.ts';
import { PostgresServer } from '../../storage/conformance/worlds.ts';
import { authorityOver, openPlace } from './authority-processes.ts';
import { NodeProcess } from './processes.ts';
import { type Row, Tally } from './row.ts';

const PROCESSES = 4;
const CONTENDERS = 50;
/** One ticket in so many is killed for, one in so many has three uses. */
const KILL_EVERY = 5;
const THREE_USES_EVERY = 10;

const WON = 'won';
const ALREADY = 'Already a member';
const UNKNOWN = 'Unknown enrollment token';

type Authority = Awaited<ReturnType<typeof authorityOver>>;

/** The processes of one authority, and what they told of one ticket. */
class Race {
  readonly outcomes = new Map<string, string>();
  readonly #processes: readonly NodeProcess[];
  readonly #code: string;
  readonly #shares: readonly (readonly string[])[];

  constructor(processes: readonly NodeProcess[], code: string, contenders: readonly string[]) {
    this.#processes = processes;
    this.#code = code;
    this.#shares = processes.map((_, index) => contenders.filter((__, at) => at % processes.length === index));
  }

  /** @param killed of this process, once it has told so many outcomes, the rest is asked again in its next life */
  async run(killed?: { readonly index: number; readonly after: number }): Promise<void> {
    await Promise.all(
      this.#processes.map(async (each, index) => {
        if (index !== killed?.index) return this.#ask(each, index);
        if (killed.after === 0) each.tell(this.#order(index));
        else await this.#ask(each, index, killed.after);
        await each.kill();
        await each.start('ready');
        await this.#ask(each, index);
      }),
    );
  }

  /** Asks for all who have no outcome yet. */
  #ask(each: NodeProcess, index: number, least = Number.POSITIVE_INFINITY): Promise<void> {
    const waiting = new Set(this.#unanswered(index));
    if (waiting.size === 0) return Promise.resolve();
    const leftAtEnd = Math.max(waiting.size - least, 0);
    const done = each.next(({ contender, outcome }) => {
      if (typeof contender !== 'string' || !waiting.delete(contender)) return undefined;
      this.outcomes.set(contender, String(outcome));
      return waiting.size <= leftAtEnd ? true : undefined;
    });
    each.tell(this.#order(index));
    return done.then(() => undefined);
  }

  #order(index: number) {
    return { code: this.#code, contenders: this.#unanswered(index).join() };
  }

  #unanswered(index: number): string[] {
    return (this.#shares[index] ?? []).filter((contender) => !this.outcomes.has(contender));
  }
}

async function trial(authority: Authority, processes: readonly NodeProcess[], number: number, random: Random): Promise<string | undefined> {
  const { enrollment, state } = authority;
  const uses = number % THREE_USES_EVERY === 3 ? 3 : 1;
  const attributes = new Map([['ticket', String(number)]]);
  const code = hex(await enrollment.issue('host', { attributes, useCount: uses }));
  const contenders = Array.from({ length: CONTENDERS }, (_, index) => contenderOf(number, index));
  const race = new Race(processes, code, contenders);
  const share = Math.floor(CONTENDERS / PROCESSES);
  await race.run(
    number % KILL_EVERY === 0
      ? { index: Math.floor(randomFraction(random) * PROCESSES), after: Math.floor(randomFraction(random) * share) }
      : undefined,
  );

  // Whose answer was lost with its process hears at the second try that it is a member.
  const winners = contenders.filter((contender) => [WON, ALREADY].includes(race.outcomes.get(contender) ?? ''));
  const others = new Set([...race.outcomes.values()].filter((outcome) => ![WON, ALREADY].includes(outcome)));
  if (winners.length !== uses) return `${winners.length} winners of ${uses}`;
  if ([...others].join() !== UNKNOWN) return `others were told ${[...others].join()}`;
  const fault = await faultOfMembers(state, number, winners);
  if (fault !== undefined) return fault;

  const later = new Race(processes, code, [...winners, contenderOf(number, CONTENDERS)]);
  await later.run();
  const repeated = [...later.outcomes].map(([contender, outcome]) => `${winners.some((winner) => winner === contender)} ${outcome}`).sort();
  const expected = [`false ${UNKNOWN}`, ...winners.map(() => `true ${ALREADY}`)];
  if (repeated.join() !== expected.join()) return `later tries: ${repeated.join()}`;
  return faultOfMembers(state, number, winners);
}

const contenderOf = (ticket: number, index: number): Identifier =>
  `I${hex(nodeCrypto.sha256(new TextEncoder().encode(`contender ${ticket} ${index}`)))}`;

async function faultOfMembers(state: Authority['state'], number: number, winners: readonly string[]): Promise<string | undefined> {
  const { members, tokens } = await state.transact(async (transaction) => ({
    members: await transaction.members.withAttribute('ticket', String(number)),
    tokens: await transaction.tokens.open(0),
  }));
  const found = members.map(({ identifier, attributes }) => `${identifier} ${attributes.size}`);
  const expected = winners.map((winner) => `${winner} 1`).toSorted();
  if (found.join() !== expected.join()) return `the members are ${found.join()}, not ${expected.join()}`;
  return tokens.length === 0 ? undefined : `${tokens.length} codes are still open`;
}

async function races(place: string, count: number, seed: number) {
  const random = seededRandom(seed);
  const tally = new Tally();
  const store = await openPlace(place);
  const processes = Array.from({ length: PROCESSES }, () => new NodeProcess('redeemer', { PLACE: place }));
  try {
    const authority = await authorityOver(store);
    await Promise.all(processes.map((each) => each.start('ready')));
    for (let number = 0; number < count; number++) {
      const startMs = performance.now();
      await tally.trial(() => trial(authority, processes, number, random));
      if (number % KILL_EVERY !== 0) tally.measured(performance.now() - startMs, 'ms for a race of 50');
    }
  } finally {
    await Promise.all(processes.map((each) => each.kill()));
    await store.close();
  }
  return tally.result;
}

const about = '50 contenders for each ticket in 4 processes, of which one is killed in every fifth race: as many winners as uses';

const inFile: Row = {
  id: 'R-D1',
  about: `${about}, in one file`,
  full: 200,
  run: async ({ count, seed }) => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-race-'));
    try {
      return await races(join(folder, 'home', 'database.sqlite3'), count, seed);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

const inPostgres: Row = {
  id: 'R-D1-PG',
  about: `${about}, in PostgreSQL`,
  full: 200,
  run: async ({ count, seed }) => {
    const server = new PostgresServer();
    await server.start();
    try {
      return await races(await server.emptyState(), count, seed);
    } finally {
      await server.stop();
    }
  },
};

/** One-time codes under contention, of reliability.md 4.4. */
export const rows: readonly Row[] = [inFile, inPostgres];
