import { describe, expect, test } from 'vitest';
import { smallNode } from '../property-tests/node-watch.ts';
import type { Logger } from '../runtime/logger.ts';
import { Message } from '../runtime/message.ts';
import { route } from '../runtime/route.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { peerInfo, peerOf } from '../workers/secure-channel/local-info.ts';
import { DecisionLog, explainDenial, type LoggedDenial } from './decision-log.ts';
import { explanationText } from './explain.ts';
import { PolicyGate, type PolicyGateOptions } from './policy-access-control.ts';
import { parsePolicy } from './policy.ts';
import { HANDLE_MESSAGE, RESOURCE_TYPES } from './resource.ts';
import { DEFAULT_TYPE_POLICY, ResourcePolicies, storedPolicy } from './resource-policies.ts';
import { MemorySubjects } from './subjects.ts';

const alice = `I${'a'.repeat(64)}` as const;
const bob = `I${'b'.repeat(64)}` as const;
const outlet = { name: 'outlet', type: 'tcp-outlet' } as const;
const nothing = new Uint8Array(0);

function world(options: Partial<PolicyGateOptions> = {}, denialsMax?: number) {
  const clock = new SimulatedClock();
  const { node } = smallNode({ clock });
  const lines: string[] = [];
  const logger: Logger = { log: (_level, event, fields) => void lines.push(`${event} ${JSON.stringify(fields)}`) };
  const policies = ResourcePolicies.restored();
  const subjects = new MemorySubjects();
  const log = new DecisionLog({ clock, ...(denialsMax !== undefined && { denialsMax }) });
  const gate = new PolicyGate({
    policies,
    subjects,
    log,
    clock,
    logger,
    peerOf,
    terminal: (address) => node.terminal(address),
    ...options,
  });
  const know = (identifier: string, attributes: Record<string, string>, forSeconds = 60) =>
    subjects.set(identifier, { attributes: new Map(Object.entries(attributes)), expiresAt: clock.wallSeconds() + forSeconds });
  const allows = (identifier: string) => gate.allows(outlet, identifier, 'in');
  return { clock, node, lines, policies, subjects, log, gate, know, allows };
}

/** What a channel with that peer brings. */
function from(peer: typeof alice | undefined): Message {
  const info = peer === undefined ? [] : [peerInfo({ identifier: peer, credentials: [], clock: { wallSeconds: () => 0 } })];
  return new Message(route('outlet'), route('x'), nothing, info);
}

const latest = (log: DecisionLog): LoggedDenial => log.denials()[0]!;

describe('what comes in', () => {
  test('a credential of the authority is what every type asks for; without a channel nobody is known', () => {
    const { gate, know, log } = world();
    know(alice, {});
    for (const type of RESOURCE_TYPES) {
      const control = gate.incoming({ name: 'any', type });
      expect([from(alice), from(bob), from(undefined)].map((message) => control.allows(message))).toEqual([true, false, false]);
    }
    expect(log.denials().map(({ identifier }) => identifier)).toEqual(RESOURCE_TYPES.flatMap(() => [undefined, bob]));
  });

  test('the policy of a resource goes before that of its type, and without either it is denied', () => {
    const { know, policies, allows, log } = world();
    know(alice, { role: 'dev' });
    policies.set({ name: 'outlet' }, parsePolicy('(= subject.role "dba")'));
    expect(allows(alice)).toBe(false);
    policies.set({ type: 'tcp-outlet' }, parsePolicy('(= 1 1)'));
    expect(allows(alice)).toBe(false);
    policies.delete({ name: 'outlet' });
    expect(allows(alice)).toBe(true);
    policies.delete({ type: 'tcp-outlet' });
    expect(allows(alice)).toBe(false);
    expect(latest(log)).toMatchObject({ rule: undefined, reason: 'No policy is set for the resource or for its type.' });
  });

  test('each change of a policy, of facts, of time counts for the next message, also after it was allowed', () => {
    const { clock, know, policies, subjects, allows } = world();
    know(alice, { role: 'dba' }, 10);
    policies.set({ name: 'outlet' }, parsePolicy('(= subject.role "dba")'));
    expect([allows(alice), allows(alice)]).toEqual([true, true]);
    policies.set({ name: 'outlet' }, parsePolicy('(= subject.role "dev")'));
    expect(allows(alice)).toBe(false);
    policies.set({ name: 'outlet' }, parsePolicy('(= subject.role "dba")'));
    expect(allows(alice)).toBe(true);
    know(alice, { role: 'dev' });
    expect(allows(alice)).toBe(false);
    know(alice, { role: 'dba' }, 10);
    expect(allows(alice)).toBe(true);
    clock.advance(9_999);
    expect(allows(alice)).toBe(true);
    clock.advance(1);
    expect(allows(alice)).toBe(false);
    know(alice, { role: 'dba' });
    expect(allows(alice)).toBe(true);
    subjects.delete(alice);
    expect(allows(alice)).toBe(false);
  });

  test('without an authority only the identifier is known', () => {
    const { policies, allows, log } = world({ subjects: undefined });
    expect(allows(alice)).toBe(false);
    expect(latest(log)).toMatchObject({ authority: false, reason: 'subject.has_credential is not known of the subject.' });
    policies.set({ name: 'outlet' }, parsePolicy(`(= subject.identifier "${alice}")`));
    expect([allows(alice), allows(bob)]).toEqual([true, false]);
    expect(explainDenial(latest(log))?.flip).toEqual({ decided: true, found: undefined });
  });

  test('an attribute cannot say who somebody is; it is skipped, and told once', () => {
    const { know, policies, allows, lines, log } = world();
    know(bob, { identifier: alice, has_credential: 'x', 'resource.id': 'x' });
    policies.set({ name: 'outlet' }, parsePolicy(`(= subject.identifier "${alice}")`));
    expect([allows(bob), allows(bob), allows(alice)]).toEqual([false, false, true]);
    expect(lines).toEqual([`policy.attributes.skipped {"peer":"${bob}","count":3}`]);
    expect(latest(log).skipped).toEqual(['identifier', 'has_credential', 'resource.id']);
  });

  test('what fails denies', () => {
    const broken = {
      factsOf: () => {
        throw new Error('no store');
      },
      onChanged: () => () => undefined,
    };
    const { allows, policies, lines, log } = world({ subjects: broken });
    policies.set({ name: 'outlet' }, parsePolicy('(= 1 1)'));
    expect(allows(alice)).toBe(false);
    expect(lines[0]).toContain('policy.failed');
    expect(latest(log).reason).toContain('could not be read');
  });

  test('a message to a worker of a node: the denied one is a dead letter and nobody is answered', async () => {
    const { clock, gate, know, node } = world();
    know(alice, {});
    const seen: Message[] = [];
    node.start('outlet', { onMessage: (message) => void seen.push(message) }, { incoming: gate.incoming(outlet) });
    let say!: (message: Message) => void;
    node.start('x', {
      onStart: (context) => void (say = (message) => context.forward(message)),
      onMessage: () => void seen.push(from(bob)),
    });
    say(from(alice));
    say(from(bob));
    await clock.runUntilQuiet();
    expect([seen.length, node.deadLetters.count('denied-incoming')]).toEqual([1, 1]);
  });
});

describe('what goes out', () => {
  test('the peer behind the first hop that leads to another node counts', () => {
    const { gate, know, node, log } = world();
    know(alice, {});
    const idle = { onMessage: () => undefined };
    node.start('plain', idle);
    node.start('sender', idle, { terminal: {} });
    node.start('to-alice', idle, { terminal: { peer: alice } });
    node.start('to-bob', idle, { terminal: { peer: bob } });
    const control = gate.outgoing(outlet);
    const ways: [string[], boolean][] = [
      [['to-alice', 'x'], true],
      [['plain', 'to-alice', 'to-bob'], true],
      [['to-bob', 'to-alice'], false],
      [['sender', 'to-alice'], false],
      [['plain'], false],
      [['to-alice', '1#127.0.0.1:1'], false],
    ];
    for (const [onward, allowed] of ways)
      expect([onward, control.allows(new Message(route(...onward), route(), nothing))]).toEqual([onward, allowed]);
    expect(log.total).toBe(4);
    expect(log.denials().every(({ direction }) => direction === 'out')).toBe(true);
  });
});

describe('open streams', () => {
  test('end when a policy changes, when facts change, and within a second of an expiry; each once', () => {
    const { clock, gate, know, policies, subjects } = world();
    const ended: string[] = [];
    for (const who of [alice, bob]) know(who, {}, 10);
    gate.watch(outlet, alice, () => ended.push('alice'));
    gate.watch(outlet, bob, () => ended.push('bob'));
    gate.watch({ name: 'inlet', type: 'tcp-inlet' }, bob, () => ended.push('inlet'));
    policies.set({ type: 'tcp-outlet' }, parsePolicy(`(= subject.identifier "${alice}")`));
    expect(ended).toEqual(['bob']);
    policies.set({ type: 'tcp-outlet' }, DEFAULT_TYPE_POLICY);
    subjects.delete(alice);
    expect(ended).toEqual(['bob', 'alice']);
    clock.advance(9_999);
    expect(ended).toEqual(['bob', 'alice']);
    clock.advance(1_000);
    expect(ended).toEqual(['bob', 'alice', 'inlet']);
    expect(clock.pendingCount).toBe(0);
  });

  test('a renewed credential keeps them; who is not allowed to begin with is told at once', () => {
    const { clock, gate, know } = world();
    const ended: string[] = [];
    know(alice, {}, 10);
    const stop = gate.watch(outlet, alice, () => ended.push('alice'));
    gate.watch(outlet, bob, () => ended.push('bob'));
    expect(ended).toEqual(['bob']);
    clock.advance(5_000);
    know(alice, {}, 60);
    clock.advance(30_000);
    expect(ended).toEqual(['bob']);
    stop();
    expect(clock.pendingCount).toBe(0);
    gate.watch(outlet, alice, () => ended.push('alice'));
    gate.close();
    clock.advance(60_000);
    expect([ended, clock.pendingCount]).toEqual([['bob'], 0]);
  });

  test('one that cannot be ended does not keep the others open', () => {
    const { gate, know, subjects, lines } = world();
    know(alice, {});
    let ended = 0;
    gate.watch(outlet, alice, () => {
      throw new Error('stuck');
    });
    gate.watch(outlet, alice, () => (ended += 1));
    subjects.delete(alice);
    expect([ended, lines.length]).toEqual([1, 1]);
  });
});

describe('the decision log', () => {
  test('says who, what, by which rule and why, then as it was', () => {
    const { clock, know, policies, allows, log } = world();
    know(alice, { role: 'dev', team: 'web' });
    policies.set({ name: 'outlet' }, parsePolicy('(and (= subject.team "web") (= subject.role "dba"))'));
    const told: number[] = [];
    log.subscribe(({ count }) => told.push(count));
    const start = clock.wallSeconds();
    allows(alice);
    clock.advance(5_000);
    allows(alice);
    know(alice, { role: 'dba' });
    policies.delete({ name: 'outlet' });
    const denial = latest(log);
    expect(denial).toMatchObject({
      ...{
        number: 1,
        count: 2,
        firstAt: start,
        lastAt: start + 5,
        resource: outlet,
        action: HANDLE_MESSAGE,
        direction: 'in',
        identifier: alice,
      },
      rule: { selector: { name: 'outlet' }, policy: { text: '(and (= subject.team "web") (= subject.role "dba"))' } },
      used: [
        { name: 'subject.team', value: { kind: 'string', value: 'web' } },
        { name: 'subject.role', value: { kind: 'string', value: 'dev' } },
      ],
      reason: 'The policy is false.',
    });
    expect(told).toEqual([1, 2]);
    expect(explanationText(explainDenial(denial)!)).toBe(
      [
        'Denied: The policy is false.',
        '  (and (= subject.team "web") (= subject.role "dba")) -> false',
        '    (= subject.team "web") -> true',
        '    (= subject.role "dba") -> false',
        'subject.team is "web".',
        'subject.role is "dev".',
        'Smallest change that would allow: subject.role = "dba".',
        '',
      ].join('\n'),
    );
  });

  test('is bounded, and one who insists does not push out the others', () => {
    const { gate, log } = world({}, 3);
    gate.allows(outlet, alice, 'in');
    for (let times = 0; times < 1_000; times++) gate.allows(outlet, bob, 'in');
    expect(log.denials().map(({ identifier, count }) => [identifier, count])).toEqual([
      [bob, 1_000],
      [alice, 1],
    ]);
    for (const name of ['a', 'b', 'c']) gate.allows({ name, type: 'echoer' }, alice, 'in');
    expect(log.denials().map(({ resource }) => resource.name)).toEqual(['c', 'b', 'a']);
    expect(log.total).toBe(1_004);
  });

  test('a listener that throws changes no decision', () => {
    const { allows, log, know } = world();
    log.subscribe(() => {
      throw new Error('full disk');
    });
    know(alice, {});
    expect([allows(bob), allows(alice)]).toEqual([false, true]);
  });
});

describe('the policies of a node', () => {
  test('are kept as text and restored; a type that was set keeps what was set', () => {
    const before = ResourcePolicies.restored();
    before.set({ type: 'echoer' }, parsePolicy('not suspended'));
    before.set({ name: 'outlet' }, parsePolicy('(and)'));
    const kept = before.list().map(storedPolicy);
    expect(kept[0]).toEqual({ selector: { name: 'outlet' }, action: 'handle_message', expression: '(= subject.and "true")' });
    expect(ResourcePolicies.restored(kept).list()).toEqual(
      before.list().map((rule) => ({ ...rule, policy: { ...rule.policy, warnings: [] } })),
    );
    expect(
      ResourcePolicies.restored()
        .list()
        .map(({ policy }) => policy),
    ).toEqual(RESOURCE_TYPES.map(() => DEFAULT_TYPE_POLICY));
  });

  test('tell what changed, and nothing when nothing did', () => {
    const policies = ResourcePolicies.restored();
    const told: unknown[] = [];
    const stop = policies.onChanged((selector) => told.push(selector));
    policies.set({ name: 'o' }, parsePolicy('a'));
    policies.set({ name: 'o' }, parsePolicy('(= subject.a "true")'));
    expect([policies.delete({ name: 'o' }), policies.delete({ name: 'o' }), policies.get({ name: 'o' })]).toEqual([true, false, undefined]);
    stop();
    policies.delete({ type: 'relay' });
    expect(told).toEqual([{ name: 'o' }, { name: 'o' }]);
  });

  test('a copy is changed by itself', () => {
    const policies = ResourcePolicies.restored();
    policies.copy().delete({ type: 'relay' });
    expect(policies.get({ type: 'relay' })).toBe(DEFAULT_TYPE_POLICY);
  });
});
