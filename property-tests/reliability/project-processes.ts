import { systemClock } from '../../host/clock.ts';
import { systemRandom } from '../../host/random.ts';
import type { Identifier } from '../../identities/identifier.ts';
import { createIdentity, type Identity } from '../../identities/identity.ts';
import { MemoryIdentityRepository } from '../../identities/repository.ts';
import { askAuthority, enroll, projectMember } from '../../manager/project/member.ts';
import { silentLogger } from '../../runtime/logger.ts';
import { Node } from '../../runtime/node.ts';
import { type Random, randomFraction } from '../../runtime/random.ts';
import { seededRandom } from '../../simulation/random.ts';
import { PostgresServer } from '../../storage/conformance/worlds.ts';
import { nodeNetwork } from '../../transports/node-network.ts';
import type { ProjectInformation } from '../../workers/authority/project.ts';
import { decodeTicket } from '../../workers/authority/ticket.ts';
import { NodeProcess } from './processes.ts';
import { codeOf, inTurn, type Row, type Tally } from './row.ts';

const PROCESSES = 3;
const CONTENDERS = 9;
/** In one race of so many a process is killed. */
const KILL_EVERY = 2;
const RACE_MS = 150;
/** One revocation of so many is made while the process of who waits for it is down. */
const DOWN_EVERY = 5;
/** Source: decisions.md D6 */
const REVOKED_WITHIN_MS = 1_000;
/** As much again as the longest pause of a session that is needed, and the start of a process on a busy machine. */
const BACK_WITHIN_MS = 20_000;

const ports = { clock: systemClock, random: systemRandom, network: nodeNetwork, logger: silentLogger };

/** One of the processes of a project, at a port that stays. */
class ProjectProcess {
  port = 0;
  #process: NodeProcess;
  readonly #place: string;

  constructor(place: string) {
    this.#place = place;
    this.#process = new NodeProcess('project', {});
  }

  /** @returns what the project says of itself */
  async start(): Promise<string> {
    this.#process = new NodeProcess('project', { PLACE: this.#place, PORT: String(this.port) });
    this.port = Number(await this.#process.start('port'));
    const { id, identifier, authority } = this.#process.facts[0] ?? {};
    return [id, identifier, authority].join();
  }

  kill(): Promise<void> {
    return this.#process.kill();
  }

  async ticket(number: number): Promise<string> {
    const told = this.#process.next(({ ticket, text }) => (ticket === number ? String(text) : undefined));
    this.#process.tell({ ticket: number });
    return told;
  }

  /** @returns whether it was a member */
  async remove(member: Identifier): Promise<boolean> {
    const told = this.#process.next(({ removed, was }) => (removed === member ? was === 1 : undefined));
    this.#process.tell({ remove: member });
    return told;
  }

  /** The same ticket, for whoever comes to this process. */
  here(ticket: string): string {
    const text = Buffer.from(ticket, 'hex').toString();
    return Buffer.from(text.replaceAll(/\/tcp\/\d+\//g, `/tcp/${this.port}/`)).toString('hex');
  }
}

/** Somebody with a node of its own in this process. */
class Newcomer {
  readonly node = new Node(ports);
  readonly cache = new MemoryIdentityRepository();
  readonly identity: Identity;

  private constructor(cache: MemoryIdentityRepository, identity: Identity) {
    this.cache = cache;
    this.identity = identity;
  }

  static async make(): Promise<Newcomer> {
    const cache = new MemoryIdentityRepository();
    return new Newcomer(cache, await createIdentity({ ...ports, repository: cache }));
  }

  get #options() {
    return { identity: this.identity, cache: this.cache, timeoutMs: 10_000 };
  }

  /** @returns `joined`, `already-member`, or the code of what it was told */
  async enroll(ticket: string): Promise<string> {
    try {
      return (await enroll(this.node, { ...this.#options, ticket })).outcome;
    } catch (thrown) {
      return (thrown as { code?: string }).code ?? codeOf(thrown);
    }
  }

  /** @returns whether the authority gives it a credential */
  async isMember(project: ProjectInformation): Promise<boolean> {
    try {
      await askAuthority(this.node, { ...this.#options, project }, (authority) => authority.credential());
      return true;
    } catch (thrown) {
      if ((thrown as { code?: string }).code === 'API_REFUSED') return false;
      throw thrown;
    }
  }

  connect(project: ProjectInformation) {
    return projectMember(this.node, { ...this.#options, project });
  }
}

const REFUSED = 'API_REFUSED';

/** @returns what is wrong */
async function race(processes: readonly ProjectProcess[], number: number, random: Random): Promise<string | undefined> {
  const pick = () => processes[Math.floor(randomFraction(random) * processes.length)]!;
  const ticket = await pick().ticket(number);
  const contenders = await Promise.all(Array.from({ length: CONTENDERS }, () => Newcomer.make()));
  try {
    const killed = number % KILL_EVERY === 0 ? pick() : undefined;
    const delayMs = randomFraction(random) * RACE_MS;
    const restart = async () => {
      if (killed === undefined) return;
      await new Promise((resolve) => void setTimeout(resolve, delayMs));
      await killed.kill();
      await killed.start();
    };
    const tries = contenders.map((each, index) => each.enroll(processes[index % processes.length]!.here(ticket)));
    await restart();
    const outcomes = await Promise.all(tries);
    // Whose process died asks again, at the same one.
    for (const [index, outcome] of outcomes.entries())
      if (!['joined', 'already-member', REFUSED].includes(outcome))
        outcomes[index] = await contenders[index]!.enroll(processes[index % processes.length]!.here(ticket));
    const winners = contenders.filter((_, index) => outcomes[index] === 'joined' || outcomes[index] === 'already-member');
    const told = `told ${outcomes.join()}`;
    if (winners.length !== 1) return `${winners.length} winners, ${told}`;
    if (outcomes.filter((outcome) => outcome === REFUSED).length !== CONTENDERS - 1) return told;
    for (const each of processes) {
      const { project } = decodeTicket(each.here(ticket));
      for (const contender of contenders)
        if ((await contender.isMember(project)) !== winners.includes(contender)) return `another member at port ${each.port}`;
    }
    return undefined;
  } finally {
    await Promise.all(contenders.map(({ node }) => node.stop()));
  }
}

/** @returns what is wrong */
async function revocation(processes: readonly ProjectProcess[], number: number, tally: Tally): Promise<string | undefined> {
  const [here, there] = [processes[number % PROCESSES]!, processes[(number + 1) % PROCESSES]!];
  const [guard, member] = await Promise.all([Newcomer.make(), Newcomer.make()]);
  try {
    const tickets = [await here.ticket(2 * number), await here.ticket(2 * number + 1)] as const;
    const joined = [await guard.enroll(there.here(tickets[0])), await member.enroll(here.here(tickets[1]))];
    if (joined.some((outcome) => outcome !== 'joined')) return `could not join: ${joined.join()}`;
    const standing = await guard.connect(decodeTicket(there.here(tickets[0])).project);
    const watch = standing.revocations;
    await watch.whenCurrent();
    if (watch.state !== 'current') return `it is ${watch.state} before the revocation`;
    const { identifier } = member.identity;
    const heard = new Promise<number>((resolve) => {
      watch.onStatement(({ revoked }) => {
        if (revoked.kind === 'subject' && revoked.identifier === identifier) resolve(performance.now());
      });
    });
    const isDown = number % DOWN_EVERY === DOWN_EVERY - 1;
    if (isDown) await there.kill();
    const orderedMs = performance.now();
    if (!(await here.remove(identifier))) return 'it was no member there';
    if (isDown) await there.start();
    const sinceMs = isDown ? performance.now() : orderedMs;
    const limitMs = isDown ? BACK_WITHIN_MS : REVOKED_WITHIN_MS;
    const late = new Promise<number>((resolve) => void setTimeout(resolve, limitMs + 5_000, Number.POSITIVE_INFINITY).unref());
    const tookMs = (await Promise.race([heard, late])) - sinceMs;
    if (!isDown) tally.measured(tookMs, 'ms until a member of another process had heard');
    await standing.close();
    return tookMs <= limitMs ? undefined : `heard after ${tookMs} ms${isDown ? ' since its process is back' : ''}`;
  } finally {
    await Promise.all([guard.node.stop(), member.node.stop()]);
  }
}

/** @param trial is given the processes of one project, on an empty PostgreSQL */
async function overProcesses(
  count: number,
  trial: (processes: readonly ProjectProcess[], number: number, tally: Tally) => Promise<string | undefined>,
) {
  const server = new PostgresServer();
  await server.start();
  let processes: ProjectProcess[] = [];
  try {
    const place = await server.emptyState();
    processes = Array.from({ length: PROCESSES }, () => new ProjectProcess(place));
    // They start at once, and agree on who they are.
    const first = new Set(await Promise.all(processes.map((each) => each.start())));
    return await inTurn(count, async (number, tally) =>
      first.size === 1 ? trial(processes, number, tally) : `they are ${[...first].join(' and ')}`,
    );
  } finally {
    await Promise.all(processes.map((each) => each.kill()));
    await server.stop();
  }
}

const redemption: Row = {
  id: 'PG1',
  about:
    '9 contenders for a ticket at 3 processes of a project on one PostgreSQL, of which one is killed in every second race: one winner, a member at all three',
  full: 60,
  run: ({ count, seed }) => {
    const random = seededRandom(seed);
    return overProcesses(count, (processes, number) => race(processes, number, random));
  },
};

const heardElsewhere: Row = {
  id: 'PG2',
  about:
    'a member removed at one process: a node connected to another one has heard within 1 s; in one trial of five its process is down, and it hears after',
  full: 60,
  run: ({ count }) => overProcesses(count, revocation),
};

/** Several processes of one project on one PostgreSQL. Source: decisions.md D9 */
export const rows: readonly Row[] = [redemption, heardElsewhere];
