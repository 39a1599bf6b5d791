import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Person } from './world.ts';

let person: Person;
beforeEach(async () => {
  person = await Person.create();
});
afterEach(() => person[Symbol.asyncDispose]());

test('I1: an identity shows its identifier, and its history in full', async () => {
  const identifier = await person.does('identity create i');
  expect(await person.does('identity show i')).toBe(identifier);
  const full = await person.does('identity show i --full');
  for (const fragment of [`Identifier: ${identifier}`, 'Change[0]:', 'primary_public_key: ', 'EdDSACurve25519: '])
    expect(full).toContain(fragment);
  expect(await person.json('identity show i --full')).toMatchObject({
    identifier,
    changes: [{ identifier: expect.any(String) as string, revoke_all_purpose_keys: false }],
  });
  expect(await person.fails('identity show i --encoding hex')).toContain('--full');
});

test('I2: identities are made, listed and deleted, but none that a node uses', async () => {
  expect(await person.does('identity delete --all -y')).toBe('[]');
  await person.does('identity create');
  await person.does('identity create i1');
  await person.does('identity create i1');
  expect(await person.json('identity list')).toHaveLength(2);
  await person.does('node create n1 --identity i1');
  expect(await person.fails('identity delete i1 -y')).toContain('n1');
  await person.does('node delete n1 -y');
  expect(await person.fails('identity delete i1')).toContain('--yes');
  expect(await person.does('identity delete i1 -y')).toBe('i1');
  expect(await person.json('identity list')).toHaveLength(1);
  expect(await person.fails('identity delete i1 -y')).toContain('not found');
  await person.does('identity delete --all -y');
  expect(await person.does('identity list')).toBe('[]');
  expect(await person.does('identity delete i1 -y')).toBe('[]');
});

test('I3: the default identity is printed and chosen', async () => {
  await person.does('identity create first');
  await person.does('identity create second');
  expect(await person.does('identity default')).toContain("The name of the default identity is 'first'");
  expect(await person.fails('identity default first')).toContain("The identity named 'first' is already the default");
  expect(await person.does('identity default second')).toBe('second');
  expect(await person.does('identity default')).toContain("The name of the default identity is 'second'");
  expect(await person.fails('identity default third')).toContain('not found');
});

test('I4: an identity comes back by its history', async () => {
  await person.does('identity create i');
  const history = await person.does('identity show i --full --encoding hex');
  await person.does('identity delete --all -y');
  expect(await person.does(`identity create j --identity ${history}`)).toContain('was imported');
  expect(await person.does('identity show j --full --encoding hex')).toBe(history);
  // It signs: its key is still in the vault.
  await person.does('node create n --identity j');
  expect((await person.try('identity create k --identity 00ff')).code).toBe(65);
  expect((await person.try('identity create k --identity 0')).code).toBe(65);
});

test('V1: vaults show what they are', async () => {
  expect(await person.does('vault create v1')).toBe('v1');
  await person.does(`vault create v2`);
  const shown = await person.json('vault show v1');
  expect(shown).toEqual({ vault: { name: 'v1', vault_type: { DatabaseVault: { use_aws_kms: 'No' } }, is_default: true } });
  expect(await person.does('vault list')).toContain('"use_aws_kms": "No"');
  expect(await person.json('vault list')).toMatchObject([{ vault: { name: 'v1' } }, { vault: { name: 'v2' } }]);
  expect(await person.does('vault show v1')).toBe('v1');
});

test('V2: a vault is deleted when no identity uses it', async () => {
  expect(await person.does('vault delete v1 -y')).toBe('[]');
  expect(await person.does('vault create')).toBe('default');
  const name = await person.does('vault create');
  expect(name).toMatch(/^[a-z]+-[a-z]+$/);
  await person.does('vault create v1');
  await person.does('identity create i1 --vault v1');
  expect(await person.fails('vault delete v1 -y')).toContain('i1');
  expect(await person.fails('identity create i2')).toContain('--vault');
  await person.does('identity delete i1 -y');
  expect(await person.does('vault delete v1 -y')).toBe('v1');
  expect(await person.fails('vault show v1')).toContain('not found');
  expect(await person.fails('vault create default')).toContain('default');
});

test('V3: a vault in a file of its own moves, the first one does not', async () => {
  await person.does('vault create');
  expect((await person.try('vault move default --path elsewhere')).code).toBe(70);
  await person.does('vault create v1 --path one');
  await person.does('identity create i1 --vault v1');
  const full = await person.does('identity show i1 --full');
  await person.does('vault move v1 --path two');
  expect(await person.json('vault show v1')).toMatchObject({
    vault: { vault_type: { LocalFileVault: { path: join(person.folder, 'two') } } },
  });
  expect(await person.does('identity show i1 --full')).toBe(full);
  await person.does('node create n --identity i1');
  await person.does('vault create v2 --path three');
  expect((await person.try('vault move v1 --path three')).code).not.toBe(0);
});

test('V4: an identity in a named vault shows, short and in full', async () => {
  const identifier = await person.does('identity create i --vault v');
  expect(await person.does('identity show i')).toBe(identifier);
  expect(await person.does('identity show i --full')).toContain(`Identifier: ${identifier}`);
  expect(await person.json('identity list')).toMatchObject([{ name: 'i', vault_name: 'v', is_default: true }]);
});
