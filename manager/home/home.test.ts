import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../host/clock.ts';
import { systemRandom } from '../../host/random.ts';
import { createIdentity } from '../../identities/identity.ts';
import { PosternError } from '../../runtime/errors.ts';
import { Home } from './home.ts';

const ports = { clock: systemClock, random: systemRandom };
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (thrown: unknown) => (thrown instanceof PosternError ? (thrown.code as string) : String(thrown)),
  );
let folder: string;
let home: Home;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'postern-home-')), 'state');
  home = await Home.open(folder, ports);
});
afterEach(async () => {
  await home.close();
  await rm(folder, { recursive: true, force: true });
});

async function reopen(): Promise<void> {
  await home.close();
  home = await Home.open(folder, ports);
}

test('identities and vaults are there again, and sign, when the home is opened again', async () => {
  const first = await home.createIdentity({});
  expect(first).toMatchObject({ vault: 'default', isDefault: true, isNew: true });
  expect(first.name).toMatch(/^[a-z]+-[a-z]+$/);
  await home.createVault({ name: 'second' });
  const second = await home.createIdentity({ name: 'i2', vault: 'second' });
  await reopen();
  const again = await home.identity(second);
  expect(await (await home.identity(first)).issueCredential(first.identifier, { a: 'b' }, { lifeSeconds: 60 })).toBeDefined();
  expect(again.identifier).toBe(second.identifier);
  expect(await home.createIdentity({ name: 'i2', vault: 'second' })).toMatchObject({ identifier: second.identifier, isNew: false });
});

test('everything is for its owner alone, and after the end the database is one file', async () => {
  await home.createVault();
  await home.createVault({ name: 'second' });
  await home.createIdentity({ vault: 'second' });
  await home.close();
  expect((await readdir(folder)).sort()).toEqual(['database.sqlite3', 'vault-second']);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  for (const file of await readdir(folder)) expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
});

test('what is in use, taken, or not there is said so, and nothing changes', async () => {
  const { name } = await home.createIdentity({ name: 'i1' });
  await home.createVault({ name: 'other' });
  await home.state.nodes.change('n1', () => ({ settings: { identity: 'i1' }, state: {} }));
  expect(await codeOf(home.deleteVault('default'))).toBe('VAULT_IN_USE');
  expect(await codeOf(home.deleteIdentity(name))).toBe('IDENTITY_IN_USE');
  expect(await codeOf(home.createVault({ name: 'other' }))).toBe('VAULT_TAKEN');
  expect(await codeOf(home.createVault({ name: 'third', path: join(folder, 'vault-other') }))).toBe('VAULT_TAKEN');
  expect(await codeOf(home.createIdentity({ name: 'i2' }))).toBe('VAULT_NEEDED');
  expect(await codeOf(home.moveVault('default', join(folder, 'moved')))).toBe('VAULT_FILE');
  for (const bad of ['', '../x', 'a b', '-a', 'a'.repeat(64), 'a\0'])
    expect(await codeOf(home.createIdentity({ name: bad, vault: 'default' }))).toBe('NAME_INVALID');
  expect(await codeOf(home.vault('none'))).toBe('VAULT_UNKNOWN');
  expect(await codeOf(home.named('none'))).toBe('IDENTITY_UNKNOWN');
  await home.state.nodes.remove('n1');
  await home.deleteIdentity('i1');
  await home.deleteVault('default');
  expect(await home.names.vaults()).toMatchObject([{ name: 'other', isDefault: true }]);
});

test('a vault moves with its keys, never onto a file that is there', async () => {
  await home.createVault();
  await home.createVault({ name: 'keys' });
  const made = await home.createIdentity({ vault: 'keys' });
  expect(await codeOf(home.moveVault('keys', join(folder, 'database.sqlite3')))).toBe('STORAGE_PATH');
  await home.moveVault('keys', join(folder, 'moved'));
  await reopen();
  expect((await home.identity(made)).identifier).toBe(made.identifier);
  expect(await readdir(folder)).not.toContain('vault-keys');
});

test('an identity comes back by its history alone, and signs when its key is in the vault', async () => {
  const made = await home.createIdentity({ name: 'i1' });
  const history = await (await home.identity(made)).exportHistory();
  await home.deleteIdentity('i1');
  const back = await home.createIdentity({ name: 'again', history });
  expect(back.identifier).toBe(made.identifier);
  expect(await (await home.identity(back)).exportHistory()).toEqual(history);
});

test('a credential that holds is kept by its scope, listed, and there again; one that does not is refused', async () => {
  const [issuer, subject] = [await home.createIdentity({ name: 'issuer' }), await home.createIdentity({ name: 'subject' })];
  const bytes = await (await home.identity(issuer)).issueCredential(subject.identifier, { a: 'b c' }, { lifeSeconds: 60 });
  expect(await home.credentials.store(bytes, { issuer: issuer.identifier, scope: 'one' })).toMatchObject({ subject: subject.identifier });
  expect(await codeOf(home.credentials.store(bytes, { issuer: subject.identifier, scope: 'two' }))).toBe('CREDENTIAL_AUTHORITY');
  expect(await codeOf(home.credentials.store(Uint8Array.of(1), { issuer: issuer.identifier, scope: 'two' }))).toMatch(/^CODEC_/);
  const elsewhere = await createIdentity({ ...ports });
  const strange = await elsewhere.issueCredential(subject.identifier, {}, { lifeSeconds: 60, needsHistory: false });
  expect(await codeOf(home.credentials.verify(strange, elsewhere.identifier))).toBe('HISTORY_UNKNOWN');
  await reopen();
  expect(await home.credentials.list()).toMatchObject([
    { scope: 'one', isVerified: true, bytes, credential: { subject: subject.identifier } },
  ]);
});
