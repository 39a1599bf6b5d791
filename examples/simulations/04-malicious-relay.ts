// A relay that spoils half of what it relays, in every way it can: no stream is ever altered. It is whole, or it is cut.
import { channelSession, connectionSession, fromPeers, inlet, onlyPeer, outlet, secureChannelListener, tcp, via, whenThere } from 'postern';
import { Adversary, type Scenario } from 'postern/simulation';
import { database, stateOf, transfer } from './database.ts';
import { identityOf } from './parts.ts';

export const scenario: Scenario = {
  name: 'malicious relay',
  play: async (world) => {
    const vault = world.node('vault', database);
    const [bank, middle, analysis] = world.nodes('bank', 'middle', 'analysis');
    await vault.ready;
    const [bankId, analysisId] = [await identityOf(bank.home), await identityOf(analysis.home)];

    const listener = await bank.node.listen(tcp(), '0.0.0.0:4000');
    const channels = secureChannelListener(bank.node, 'secure', { identity: bankId, trust: onlyPeer(analysisId.identifier), on: listener });
    outlet(bank.node, { target: 'vault:5432', on: channels, allow: fromPeers(analysisId.identifier) });

    // All that passes goes through the enemy: it sits between the two connections of the relay.
    const enemy = new Adversary(middle.home);
    enemy.isHonest = true;
    const front = await middle.node.listen(tcp(), '0.0.0.0:4000');
    const back = await middle.node.connect(tcp(), 'bank:4000', { bridgeFrom: [front] });
    middle.node.start('enemy', enemy);
    middle.node.publish('enemy', { on: [front, back], allow: { allows: () => true } });

    const through = connectionSession(analysis.node, tcp(), 'middle:4000');
    const way = via(through, 'enemy', back.address, 'secure');
    const toBank = channelSession(analysis.node, way, { identity: analysisId, trust: onlyPeer(bankId.identifier) });
    const { local } = await inlet(analysis.node, {
      listen: '127.0.0.1:5432',
      outlet: via(toBank, 'outlet'),
      allow: fromPeers(bankId.identifier),
    });
    await whenThere(toBank);

    enemy.isHonest = false;
    let tries = 0;
    for (let count = 1; count <= 10; count++) {
      // It cannot stop them for ever only because it is honest for a while after each harm.
      const relents = world.pass('30s').then(() => (enemy.isHonest = true));
      tries += await transfer(analysis.home, local, `t${count}`, { alice: `${100 - count}`, bob: `${100 + count}` });
      const { alice, bob } = stateOf(vault.storage).values;
      if (alice !== `${100 - count}` || bob !== `${100 + count}`) throw new Error(`altered: ${String(alice)} and ${String(bob)}`);
      await relents;
      enemy.isHonest = false;
    }
    world.note(`10 transactions in ${tries} tries; harm done: ${[...enemy.done].map(([kind, times]) => `${kind} ${times}`).join(', ')}`);
  },
};
