// Everybody who is not Alice tries to get in as her, or as a member: with her papers, with papers of their own making, too late.
import {
  everyone,
  fromAnyPeer,
  holdsCredential,
  type Identity,
  onlyPeer,
  route,
  secureChannel,
  secureChannelListener,
  tcp,
  text,
  type TrustPolicy,
} from 'postern';
import { nothingLeft, type Scenario } from 'postern/simulation';
import { nodeCrypto } from 'postern/wire';
import { SoftwareVault } from '../../../identities/vault.ts';
import { createIdentity } from '../../../identities/identity.ts';
import { handedOver, imposedOn, type Papers, replaced, showing } from './forgeries.ts';
import { identityOf } from './parts.ts';

const YEAR_SECONDS = 365 * 86_400;
const CREDENTIAL_SECONDS = 600;

interface Visit {
  readonly identity: Identity;
  readonly trust: TrustPolicy;
  readonly credential?: Uint8Array;
}

export const scenario: Scenario = {
  name: 'impostors',
  invariants: [nothingLeft],
  play: async (world) => {
    const [bank, street] = world.nodes('bank', 'street');
    const on = await bank.node.listen(tcp(), '0.0.0.0:4000');
    const bankId = await identityOf(bank.home);
    let visitors = 0;
    bank.node.start('inbox', { onMessage: () => void (visitors += 1) });
    const connection = await street.node.connect(tcp(), 'bank:4000');
    let doors = 0;
    const visit = async ({ identity, trust, credential }: Visit) => {
      const door = `door-${doors++}`;
      const channels = secureChannelListener(bank.node, door, { identity: bankId, trust, on });
      bank.node.publish('inbox', { on: channels, allow: fromAnyPeer });
      const presents = credential && { retrieve: () => Promise.resolve(credential), subscribe: () => () => undefined };
      const options = { identity, trust: everyone, handshakeTimeoutMs: 2_000, ...(presents && { credential: presents }) };
      return secureChannel(street.node, route(connection, door), options);
    };
    const isLetIn = async (who: Visit) => {
      const before = visitors;
      const channel = await visit(who).catch(() => undefined);
      await (channel && street.node.send(route(channel, 'inbox'), text.encode('hello')));
      await world.pass('1s');
      await channel?.close();
      return visitors > before;
    };
    const mustGetIn = async (who: string, visiting: Visit) => {
      if (!(await isLetIn(visiting))) throw new Error(`${who} does not get in`);
    };
    const mustStayOut = async (who: string, visiting: Visit) => {
      if (await isLetIn(visiting)) throw new Error(`${who} gets in`);
    };

    const [alice, mallory, authority] = [await identityOf(street.home), await identityOf(street.home), await identityOf(street.home)];
    const toAlice = { trust: onlyPeer(alice.identifier) };
    await mustGetIn('Alice', { identity: alice, ...toAlice });
    await mustStayOut('a stranger', { identity: mallory, ...toAlice });

    const papers: Papers = await alice.present();
    const { key } = await mallory.secureChannelKey();
    await mustStayOut("a stranger with Alice's papers", { identity: showing(mallory, { ...papers, key }), ...toAlice });
    const purposeKeyAttestation = replaced(papers.purposeKeyAttestation, papers.key.publicKey, key.publicKey);
    await mustStayOut('a forger of a purpose key', { identity: showing(mallory, { ...papers, purposeKeyAttestation, key }), ...toAlice });
    const forged = await handedOver(alice, bank.home.clock.wallSeconds());
    await mustStayOut('a forger of a history', { identity: showing(mallory, forged), ...toAlice });

    const vault = new SoftwareVault(nodeCrypto, street.home.random);
    const oscar = await createIdentity({ ...street.home, vault });
    const { latest } = await oscar.history();
    const imposed = await imposedOn(alice, oscar, async (hash) => (await vault.sign(latest.primaryKey, hash)).bytes);
    const isTaken = await bankId.importHistory(imposed).then(
      () => true,
      () => false,
    );
    if (isTaken) throw new Error('an identity is handed over to a key whose owner did not sign');

    for (const identity of [alice, mallory]) await authority.importHistory(await identity.exportHistory());
    await bankId.importHistory(await authority.exportHistory(), { keep: true });
    const issue = (to: Identity, role: string) => authority.issueCredential(to.identifier, { role }, { lifeSeconds: CREDENTIAL_SECONDS });
    const [genuine, lesser] = [await issue(alice, 'dba'), await issue(mallory, 'gst')];
    const members = { trust: holdsCredential(authority.identifier, { role: 'dba' }) };
    await mustGetIn('a member', { identity: alice, ...members, credential: genuine });
    await mustStayOut('somebody with a credential of another', { identity: mallory, ...members, credential: genuine });
    const edited = replaced(lesser, Buffer.from('gst'), Buffer.from('dba'));
    await mustStayOut('somebody who edited a credential', { identity: mallory, ...members, credential: edited });
    await world.pass(CREDENTIAL_SECONDS * 1_000);
    await mustStayOut('somebody whose credential has expired', { identity: alice, ...members, credential: genuine });

    // A key that was revoked closes the channels that rest on it, and opens none.
    const channel = await visit({ identity: alice, ...toAlice });
    await alice.rotate({ revokePurposeKeys: true });
    await bankId.importHistory(await alice.exportHistory());
    const isClosed = await Promise.race([channel.closed.then(() => true), world.pass('90s').then(() => false)]);
    if (!isClosed) throw new Error('a channel on a revoked key is still open after 90 s');
    await mustStayOut('somebody with an old key of Alice', { identity: showing(mallory, papers), ...toAlice });
    await mustGetIn('Alice with her new key', { identity: alice, ...toAlice });

    // The bank's clock goes wrong, and with it what it thinks of papers that were right.
    const current: Papers = await alice.present();
    world.skewClock(bank, -86_400);
    await mustStayOut('somebody with a purpose key of the future', { identity: showing(alice, current), ...toAlice });
    world.skewClock(bank, 86_400 + 6 * YEAR_SECONDS);
    await mustStayOut('somebody whose purpose key has expired', { identity: showing(alice, current), ...toAlice });
  },
};
