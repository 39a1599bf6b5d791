/**
 * A node with an identity from a folder, whose channel is busy until the process is killed. It writes every (key, nonce) that it
 * seals with, hashed, to a file outside the folder, before it seals.
 * usage: seals.ts FOLDER RECORD
 */
import { createHash } from 'node:crypto';
import { existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../host/clock.ts';
import { systemRandom } from '../../../host/random.ts';
import { createIdentity, type Identity, openIdentity } from '../../../identities/identity.ts';
import { Secret } from '../../../identities/secret.ts';
import { everyone } from '../../../identities/trust.ts';
import { SoftwareVault } from '../../../identities/vault.ts';
import { silentLogger } from '../../../runtime/logger.ts';
import { Node } from '../../../runtime/node.ts';
import { route } from '../../../runtime/route.ts';
import { memoryNetwork } from '../../../simulation/network.ts';
import { tcp } from '../../../transports/tcp.ts';
import { echo } from '../../../workers/echo.ts';
import { secureChannel, secureChannelListener } from '../../../workers/secure-channel/secure-channel.ts';
import { watchedCrypto } from '../channel-frames.ts';

const [folder = '', record = ''] = process.argv.slice(2);
const log = openSync(record, 'a');
const hash = (text: string) => createHash('sha256').update(Buffer.from(text, 'hex')).digest('hex');
/** Both ends derive the next key alike, by sealing nothing but zeros under this nonce, which no frame ever has. */
const REKEY_NONCE = '00000000ffffffffffffffff';
const { crypto } = watchedCrypto((key, nonce) => {
  const text = Buffer.from(nonce).toString('hex');
  if (text !== REKEY_NONCE) writeSync(log, `${hash(key)} ${text}\n`);
});

/** The same one in every life: what lasts is its signing key and its history. */
async function identityOf(name: string): Promise<Identity> {
  const vault = new SoftwareVault(crypto, systemRandom);
  const options = { clock: systemClock, random: systemRandom, crypto, vault };
  const [secretPath, historyPath] = [join(folder, `${name}.secret`), join(folder, `${name}.history`)];
  if (existsSync(historyPath)) {
    await vault.importSigningKey(new Secret('ed25519', new Uint8Array(readFileSync(secretPath))));
    return openIdentity(new Uint8Array(readFileSync(historyPath)), options);
  }
  const identity = await createIdentity(options);
  const { latest } = await identity.history();
  writeFileSync(secretPath, (await vault.exportSecret(latest.primaryKey.bytes)).reveal());
  writeFileSync(historyPath, await identity.exportHistory());
  return identity;
}

const network = memoryNetwork(systemClock);
const node = (name: string) => new Node({ name, clock: systemClock, random: systemRandom, network, logger: silentLogger });
const [near, far] = [node('near'), node('far')];
const [alice, bob] = [await identityOf('alice'), await identityOf('bob')];
const listener = await far.listen(tcp(), '127.0.0.1:4000');
const channels = secureChannelListener(far, 'api', { identity: bob, trust: everyone, on: listener });
far.start('echo', echo);
far.publish('echo', { on: channels, allow: everyone });
const connection = await near.connect(tcp(), '127.0.0.1:4000');
const channel = await secureChannel(near, route(connection, 'api'), { identity: alice, trust: everyone });
const ask = (byte: number) => near.request(route(channel, 'echo'), Uint8Array.of(byte));
for (let byte = 0; byte < 20; byte++) await ask(byte);
writeSync(1, `ready ${alice.identifier}\n`);
for (let byte = 0; ; byte = (byte + 1) & 0xff) await ask(byte);
