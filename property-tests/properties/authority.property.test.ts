import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createIdentity, type Identity } from '../../identities/identity.ts';
import { Refusal } from '../../workers/api/errors.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { seededRandom } from '../../simulation/random.ts';
import { Enrollment } from '../../workers/authority/enrollment.ts';
import { Issuing } from '../../workers/authority/issuing.ts';
import { Membership } from '../../workers/authority/membership.ts';
import { RevocationRules } from '../../workers/authority/revoking.ts';
import { ADMINISTRATOR, ENROLLER, HOSTED_ROLE, RELAY, ROLE } from '../../workers/authority/roles.ts';
import { MemoryAuthorityStore } from '../../workers/authority/store.ts';
import { WrongCodes } from '../../workers/authority/wrong-codes.ts';
import { AuthorityModel, type Gift, RANKS } from '../models/authority.model.ts';

const LIFE_SECONDS = 3_600;
const PEOPLE = 6;

class Real {
  readonly clock: SimulatedClock;
  readonly store = new MemoryAuthorityStore();
  readonly codes: Uint8Array[] = [];
  /** The newest moment at which credentials of a person were void. */
  readonly voidedAt = new Map<number, number>();
  readonly membership: Membership;
  readonly enrollment: Enrollment;
  readonly issuing: Issuing;
  readonly people: readonly Identity[];
  readonly authority: Identity;

  constructor(clock: SimulatedClock, authority: Identity, people: readonly Identity[]) {
    const { store } = this;
    this.clock = clock;
    const parts = { identity: authority, clock, store, mode: { kind: 'hosted' }, project: 'p1' } as const;
    const revoking = new RevocationRules(parts, LIFE_SECONDS);
    this.authority = authority;
    this.people = people;
    this.membership = new Membership(parts, revoking);
    this.enrollment = new Enrollment(parts, seededRandom(4), new WrongCodes());
    this.issuing = new Issuing(parts, { lifeSeconds: LIFE_SECONDS, hasTrustContextId: true }, revoking);
  }

  /** One of the codes that were made, the newest more often than not; a wrong one when there is none. */
  code(index: number): { code: Uint8Array; at: number } {
    const at = Math.max(this.codes.length - 1 - index, 0);
    return { code: this.codes[at] ?? new Uint8Array(32), at };
  }

  who(person: number | 'host') {
    return person === 'host' ? person : this.person(person).identifier;
  }

  person(index: number): Identity {
    return this.people[index % PEOPLE]!;
  }
}

function attributesOf({ rank, relay }: Gift): Map<string, string> {
  const attributes = new Map<string, string>();
  if (rank === 'enroller') attributes.set(ROLE, ENROLLER);
  if (rank === 'administrator') attributes.set(HOSTED_ROLE, ADMINISTRATOR);
  if (relay !== undefined) attributes.set(RELAY, relay);
  return attributes;
}

const outcomes = new Map<string, { done: number; refused: number }>();

/** Whether it was done, or refused. Anything else that is thrown is a fault. */
async function isDone(kind: string, work: Promise<unknown>): Promise<boolean> {
  const outcome = outcomes.get(kind) ?? { done: 0, refused: 0 };
  outcomes.set(kind, outcome);
  try {
    await work;
    outcome.done += 1;
    return true;
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    outcome.refused += 1;
    return false;
  }
}

/** What the list says is what the model says, after every step. */
async function agree(model: AuthorityModel, real: Real): Promise<void> {
  const rows = await real.membership.list('host');
  const told = rows.map(({ identifier, attributes }) => [identifier, [...attributes]]);
  const expected = [...model.members].map(([person, gift]) => [real.person(person).identifier, [...attributesOf(gift)]]);
  expect(told.sort()).toEqual(expected.sort());
  expect(await real.enrollment.list('host')).toHaveLength(model.openTickets);
}

type Step = fc.AsyncCommand<AuthorityModel, Real>;
const step = (name: string, run: (model: AuthorityModel, real: Real) => Promise<void>): Step => ({
  check: () => true,
  run: async (model, real) => {
    await run(model, real);
    await agree(model, real);
  },
  toString: () => name,
});

const person = fc.nat(PEOPLE - 1);
const caller = fc.oneof({ weight: 4, arbitrary: person }, { weight: 1, arbitrary: fc.constant('host' as const) });
const gift: fc.Arbitrary<Gift> = fc.record({
  rank: fc.constantFrom(...RANKS),
  relay: fc.option(fc.constantFrom('bank', 'shop', '*'), { nil: undefined }),
});
const told = ({ rank, relay }: Gift) => `${rank}${relay === undefined ? '' : ` with relay ${relay}`}`;

const steps = [
  fc.tuple(caller, person, gift).map(([from, to, given]) =>
    step(`${from} makes ${to} ${told(given)}`, async (model, real) => {
      const done = await isDone('add', real.membership.add(real.who(from), real.person(to).identifier, attributesOf(given)));
      expect(done).toBe(model.add(from, to, given));
    }),
  ),
  fc.tuple(caller, person).map(([from, to]) =>
    step(`${from} removes ${to}`, async (model, real) => {
      const removing = real.membership.remove(real.who(from), real.person(to).identifier);
      const revocation = await removing.then((removal) => removal.revocation).catch(() => undefined);
      expect(await isDone('remove', removing)).toBe(model.remove(from, to));
      if (revocation === undefined) return;
      const [statement] = await real.store.transact(({ revocations }) => revocations.after(revocation - 1, 1));
      real.voidedAt.set(to, statement!.notAfter);
    }),
  ),
  fc.tuple(caller, gift, fc.constantFrom(0, 60, 600), fc.nat(2)).map(([from, given, seconds, uses]) =>
    step(`${from} makes a ticket for ${told(given)}, ${seconds} s, ${uses} uses`, async (model, real) => {
      const issuing = real.enrollment.issue(real.who(from), { attributes: attributesOf(given), lifeSeconds: seconds, useCount: uses });
      expect(await isDone('ticket', issuing)).toBe(model.issue(from, given, seconds, uses));
      await issuing.then((code) => real.codes.push(code)).catch(() => undefined);
    }),
  ),
  fc.tuple(person, fc.nat(7)).map(([who, index]) =>
    step(`${who} redeems ticket ${index}`, async (model, real) => {
      const { code, at } = real.code(index);
      expect(await isDone('redeem', real.enrollment.redeem(real.person(who).identifier, code))).toBe(model.redeem(who, at));
    }),
  ),
  fc.tuple(person, fc.nat(7), person).map(([one, index, other]) =>
    step(`${one} and ${other} redeem ticket ${index} at once`, async (model, real) => {
      const { code, at } = real.code(index);
      const redeem = (who: number) => isDone('redeem', real.enrollment.redeem(real.person(who).identifier, code));
      const done = await Promise.all([redeem(one), redeem(other)]);
      expect(done).toEqual([model.redeem(one, at), model.redeem(other, at)]);
    }),
  ),
  person.map((who) =>
    step(`${who} asks for a credential`, async (model, real) => {
      const issuing = real.issuing.issue(real.person(who).identifier);
      const given = model.members.get(who);
      expect(await isDone('credential', issuing)).toBe(given !== undefined);
      if (given === undefined) return;
      const credential = await real.authority.verifyCredential(await issuing, [real.authority.identifier], real.person(who).identifier);
      expect(new Map(credential.attributes)).toEqual(new Map([...attributesOf(given), ['trust_context_id', 'p1']]));
      expect(credential.expiresAt - credential.createdAt).toBe(LIFE_SECONDS);
      expect(credential.createdAt).toBeGreaterThan(real.voidedAt.get(who) ?? 0);
    }),
  ),
  person.map((who) =>
    step(`${who} is removed and added again by the host between two credentials`, async (model, real) => {
      const { identifier } = real.person(who);
      const given = model.members.get(who);
      if (given === undefined || !model.remove('host', who)) return;
      await real.issuing.issue(identifier);
      const { revocation } = await real.membership.remove('host', identifier);
      const [statement] = await real.store.transact(({ revocations }) => revocations.after(revocation! - 1, 1));
      model.add('host', who, given);
      await real.membership.add('host', identifier, attributesOf(given));
      const credential = await real.authority.verifyCredential(
        await real.issuing.issue(identifier),
        [real.authority.identifier],
        identifier,
      );
      expect(credential.createdAt).toBeGreaterThan(statement!.notAfter);
    }),
  ),
  fc.constantFrom(1, 59, 60, 600).map((seconds) =>
    step(`${seconds} s pass`, async (model, real) => {
      model.now += seconds;
      real.clock.jumpWall(seconds);
      return Promise.resolve();
    }),
  ),
];

test('an authority does what is told of it to a person, in any order of steps', { timeout: 60_000 }, async () => {
  const clock = new SimulatedClock();
  const identities = await Promise.all(
    Array.from({ length: PEOPLE }, (_, index) => createIdentity({ clock, random: seededRandom(100 + index) })),
  );
  await fc.assert(
    fc.asyncProperty(fc.commands(steps, { maxCommands: 60, size: 'max' }), async (commands) => {
      const setup = async () => {
        const made = new SimulatedClock();
        const authority = await createIdentity({ clock: made, random: seededRandom(1) });
        for (const identity of identities) await authority.importHistory(await identity.exportHistory());
        const [model, real] = [new AuthorityModel(), new Real(made, authority, identities)];
        // There is something to begin with: an administrator and an enroller.
        for (const [person, rank] of (['administrator', 'enroller'] as const).entries()) {
          model.add('host', person, { rank, relay: undefined });
          await real.membership.add('host', real.person(person).identifier, attributesOf({ rank, relay: undefined }));
        }
        return { model, real };
      };
      await fc.asyncModelRun(setup, commands);
    }),
    { numRuns: 60 },
  );
  // Each kind of step was done and refused often enough to mean something.
  for (const [kind, { done, refused }] of outcomes) expect(Math.min(done, refused), kind).toBeGreaterThan(10);
  expect(outcomes.size).toBe(5);
});
