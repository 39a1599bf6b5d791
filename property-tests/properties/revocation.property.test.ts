import { expect, test } from 'vitest';
import { everyone } from '../../identities/trust.ts';
import { route } from '../../runtime/route.ts';
import { randomFraction } from '../../runtime/random.ts';
import { seededRandom } from '../../simulation/random.ts';
import { tcp } from '../../transports/tcp.ts';
import { revocationWatch } from '../../workers/authority/revocation-watch.ts';
import { fromHolders } from '../../workers/secure-channel/local-info.ts';
import { secureChannelListener } from '../../workers/secure-channel/secure-channel.ts';
import { channelSession } from '../../workers/secure-channel/channel-session.ts';
import { connectionSession } from '../../workers/session/connection-session.ts';
import { fixedCredential } from '../../workers/secure-channel/credential-source.ts';
import { via } from '../../runtime/way.ts';
import { AuthorityWorld } from '../authority-world.ts';

const SEEDS = 40;
/** A connected node has heard of a revocation by then. Source: decisions.md D6 */
const DEADLINE_MS = 1_000;
/** One that was cut off has, after the cut: the pauses of its network and of its sessions go before. */
const AFTER_CUT_MS = 8_000;

test(`no byte is delivered after the deadline, whenever revocations race with reconnects (${SEEDS} seeds)`, async () => {
  let delivered = 0;
  let cutOff = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seededRandom(seed);
    const between = (from: number, to: number) => Math.round(from + (to - from) * randomFraction(random));
    const world = await AuthorityWorld.make();
    const { authority, clock } = world;
    const [guard, bob] = [await world.party('guard'), await world.party('bob')];
    await authority.membership.add('host', guard.identity.identifier, new Map());
    await authority.membership.add('host', bob.identity.identifier, new Map());

    const toAuthority = via(connectionSession(guard.node, tcp(), 'authority:4000', { isNeeded: true }), 'api');
    const watch = await revocationWatch(guard.node, { identity: guard.identity, authority: authority.identifier, to: toAuthority });
    const on = await world.run(guard.node.listen(tcp(), '0.0.0.0:5000'));
    const authorities = [authority.identifier];
    const channels = secureChannelListener(guard.node, 'api', {
      identity: guard.identity,
      trust: everyone,
      on,
      authorities,
      revocations: watch,
    });
    const arrivals: number[] = [];
    guard.node.start('inbox', { onMessage: () => void arrivals.push(clock.monotonicMs()) });
    guard.node.publish('inbox', { on: channels, allow: fromHolders(authority.identifier) });

    // It shows what it has for as long as it likes, and comes again by itself.
    const credential = fixedCredential((await world.run(world.retriever(bob).retrieve()))!);
    const toGuard = via(connectionSession(bob.node, tcp(), 'guard:5000', { isNeeded: true }), 'api');
    const channel = channelSession(bob.node, toGuard, { identity: bob.identity, trust: everyone, credential, isNeeded: true });
    const tick = () => {
      if (channel.current !== undefined) void bob.node.send(route(channel.current, 'inbox'), Uint8Array.of(1));
      clock.setTimer(50, tick);
    };
    tick();
    await world.pass(between(1_000, 3_000));

    let heardAtMs = Infinity;
    watch.onRevoked(() => (heardAtMs = clock.monotonicMs()));
    const startMs = clock.monotonicMs();
    const cut = between(0, 2) > 0 ? { at: between(0, 3_000), ms: between(500, 8_000), isReset: between(0, 1) === 0 } : undefined;
    if (cut !== undefined) {
      cutOff += 1;
      clock.setTimer(cut.at, () => {
        for (const other of ['authority', 'bob']) {
          if (cut.isReset) world.network.reset('guard', other);
          world.network.partition('guard', other);
        }
      });
      clock.setTimer(cut.at + cut.ms, () => world.network.heal());
    }
    await world.pass(between(0, 6_000));
    await world.run(authority.membership.remove('host', bob.identity.identifier));
    const removedAtMs = clock.monotonicMs();
    await world.pass(25_000);
    const isCutOff =
      cut !== undefined && removedAtMs < startMs + cut.at + cut.ms + AFTER_CUT_MS && removedAtMs > startMs + cut.at - DEADLINE_MS;
    const deadlineMs = isCutOff ? Math.max(removedAtMs, startMs + cut.at + cut.ms) + AFTER_CUT_MS : removedAtMs + DEADLINE_MS;
    const last = arrivals.at(-1) ?? 0;
    delivered += arrivals.length;
    const run = { seed, cut, removedAt: removedAtMs - startMs, heardAt: heardAtMs - startMs, last: last - startMs };
    expect({ ...run, isHeard: heardAtMs <= deadlineMs, isLate: last > heardAtMs }).toEqual({ ...run, isHeard: true, isLate: false });
    await world.run(watch.close());
    await world.run(Promise.all([guard.node.stop(), bob.node.stop()]));
  }
  expect(delivered).toBeGreaterThan(SEEDS * 10);
  expect(cutOff).toBeGreaterThan(SEEDS / 4);
}, 120_000);
