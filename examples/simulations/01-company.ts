// A private database, a relay between, and no dialling into either network: a transaction while the relay crashes and returns.
import {
  channelSession,
  connectionSession,
  fromPeers,
  inlet,
  onlyPeer,
  outlet,
  relaySession,
  secureChannelListener,
  tcp,
  via,
  whenThere,
} from 'postern';
import { everyMessageEnds, noNonceTwice, noPlaintext, nothingLeft, oneOwner, orderPerSender, type Scenario } from 'postern/simulation';
import { database, transfer } from './database.ts';
import { identityOf, relay } from './parts.ts';

/** Dials out, and cannot be dialled. */
const inPrivate = { host: { isBehindNat: true } };
/** The two wires that no stranger can touch. */
const isPrivate = (from: string, to: string) => [from, to].includes('vault');

export const scenario: Scenario = {
  name: 'company',
  keepBytes: true,
  invariants: [noPlaintext(['alice'], { isPrivate }), noNonceTwice, everyMessageEnds, orderPerSender, oneOwner(), nothingLeft],
  play: async (world) => {
    const middle = world.node('relay', relay);
    const { identity: middleId } = await middle.ready;
    const relayIs = middleId.identifier;
    const vault = world.node('vault', database); // the bank's database, of which others see nothing
    for (const stranger of ['relay', 'analysis']) world.partition(vault, stranger);
    await vault.ready;

    const bank = world.node('bank', async (home) => ({ identity: await identityOf(home) }), inPrivate);
    const analysis = world.node('analysis', async (home) => ({ identity: await identityOf(home) }), inPrivate);
    const [{ identity: bankId }, { identity: analysisId }] = [await bank.ready, await analysis.ready];

    const toRelay = connectionSession(bank.node, tcp(), 'relay:4000');
    const registrar = channelSession(bank.node, via(toRelay, 'api'), { identity: bankId, trust: onlyPeer(relayIs) });
    const registered = relaySession(bank.node, registrar, { name: 'bank' });
    const channels = secureChannelListener(bank.node, 'secure', {
      identity: bankId,
      trust: onlyPeer(analysisId.identifier),
      on: registrar,
    });
    outlet(bank.node, { target: 'vault:5432', on: channels, allow: fromPeers(analysisId.identifier) });
    await whenThere(registered);

    const through = connectionSession(analysis.node, tcp(), 'relay:4000');
    const toBank = channelSession(analysis.node, via(through, 'forward_to_bank', 'secure'), {
      identity: analysisId,
      trust: onlyPeer(bankId.identifier),
    });
    const { local } = await inlet(analysis.node, {
      listen: '127.0.0.1:5432',
      outlet: via(toBank, 'outlet'),
      allow: fromPeers(bankId.identifier),
    });
    await whenThere(toBank);

    for (let count = 1; count <= 20; count++) {
      if (count === 5) world.crash(middle);
      if (count === 5) void world.pass('3s').then(() => world.restart(middle));
      const tries = await transfer(analysis.home, local, `t${count}`, { alice: `${100 - count}`, bob: `${100 + count}` });
      if (tries > 1) world.note(`transaction t${count} took ${tries} tries`, 'analysis');
      const [alice, bob] = [vault.storage.get('alice'), vault.storage.get('bob')];
      if (Number(alice) + Number(bob) !== 200) throw new Error(`half a transaction: ${String(alice)} and ${String(bob)}`);
    }
  },
};
