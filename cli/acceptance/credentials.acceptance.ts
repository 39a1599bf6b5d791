import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, freePort, Person } from './world.ts';

let person: Person;
beforeEach(async () => {
  person = await Person.create();
});
afterEach(() => person[Symbol.asyncDispose]());

/** Makes an identity. */
async function identity(name: string): Promise<string> {
  return person.does(`identity create ${name}`);
}

const historyOf = (name: string) => person.does(`identity show ${name} --full --encoding hex`);
const issued = (by: string, subject: string, ...more: string[]) =>
  person.does(['credential', 'issue', '--as', by, '--for', subject, '--encoding', 'hex', ...more]);

/** What the echo of a node answers to another one, through a channel. */
async function throughChannel(from: string, to: string, ...more: string[]): Promise<string> {
  const channel = await person.does(['secure-channel', 'create', '--from', from, '--to', `/node/${to}/service/api`, ...more]);
  return person.does(`message send hello --timeout 2s --from ${from} --to -/service/echo`, { stdin: channel });
}

test('K1: a credential with two attributes is issued, verified from a file, stored and listed', async () => {
  const [issuer, subject] = [await identity('issuer'), await identity('subject')];
  const hex = await issued('issuer', subject, '--attribute', 'city=New York', '-a', 'application=Smart Factory');
  expect(hex).toMatch(/^[0-9a-f]+$/);
  const file = join(person.folder, 'credential');
  await writeFile(file, hex);
  expect(await person.does(`credential verify --issuer ${issuer} --credential-path ${file}`)).toBe('true');
  expect(await person.json(`credential verify --issuer ${issuer} --credential ${hex}`)).toEqual({ is_valid: true });
  expect(await person.does(`credential store --issuer ${issuer} --credential-path ${file} --scope test`)).toBe(hex);
  const kept = {
    credential: { credential: hex, subject, issuer, attributes: { city: 'New York', application: 'Smart Factory' } },
    scope: 'test',
    is_verified: true,
  };
  expect(await person.json('credential list')).toMatchObject([kept]);
  expect(await person.json(`credential list --subject ${issuer}`)).toEqual([]);
  expect(await person.json(`credential show ${subject} --scope test`)).toMatchObject(kept);
  expect(await person.fails(`credential show ${subject} --scope other`)).toContain('not found');
});

test('K2: what is no credential verifies as false, and is not stored', async () => {
  const [issuer, subject] = [await identity('issuer'), await identity('subject')];
  const hex = await issued('issuer', subject);
  const changed = `${hex.slice(0, -2)}${hex.endsWith('00') ? '01' : '00'}`;
  for (const wrong of ['00', 'zz', changed, hex.slice(2)]) {
    expect(await person.does(`credential verify --issuer ${issuer} --credential ${wrong}`)).toBe('false');
    expect(await person.fails(`credential store --issuer ${issuer} --credential ${wrong} --scope s`)).toContain(
      'Credential is not verified',
    );
  }
  expect(await person.does(`credential verify --issuer ${subject} --credential ${hex}`)).toBe('false');
  expect(await person.json('credential list')).toEqual([]);
});

test('K3: a credential needs no attributes, and its subject need not be known', async () => {
  const issuer = await identity('issuer');
  const elsewhere = `I${'5'.repeat(64)}`;
  for (const more of [[], ['-a', 'a=b']]) {
    const hex = await issued('issuer', elsewhere, ...more);
    expect(await person.does(`credential verify --issuer ${issuer} --credential ${hex}`)).toBe('true');
  }
  expect(await person.does(`credential issue --as issuer --for ${elsewhere} -a a=b`)).toContain('a=b');
  expect((await person.try(`credential issue --for ${elsewhere} -a a`)).code).toBe(64);
});

test('K4: a node that presents a stored credential reaches one of the same authority; the other way round it is denied', async () => {
  await identity('authority');
  const [first] = [await identity('i1'), await identity('i2')];
  const history = await historyOf('authority');
  await person.does(`node create n1 --identity i1 --authority-identity ${history} --credential-scope test`);
  await person.does(`node create n2 --identity i2 --authority-identity ${history}`);
  const authority = await person.does('identity show authority');
  const hex = await issued('authority', first);
  await person.does(`credential store --at n1 --issuer ${authority} --credential ${hex} --scope test`);
  expect(await throughChannel('n1', 'n2', '--identity', 'i1')).toBe('hello');
  expect(await person.does('message send hello --timeout 2s --from n1 --to /node/n2/secure/api/service/echo')).toBe('hello');
  await expect(throughChannel('n2', 'n1', '--identity', 'i2')).rejects.toThrow();
  // Also when the first half of a pipe has failed already.
  expect(await person.fails('message send hello --timeout 1s --from n2 --to -/service/echo', { stdin: '' })).toContain('standard input');
});

test('K5: without any authority nodes with different identities accept each other', async () => {
  await identity('i1');
  await identity('i2');
  await person.does('node create n1 --identity i1');
  await person.does('node create n2 --identity i2');
  expect(await throughChannel('n1', 'n2')).toBe('hello');
});

test('K6: a node with an authority denies who has no credential, and who signed it alone', async () => {
  await identity('authority');
  const sender = await identity('sender');
  await person.does(`node create guarded --identity authority --authority-identity ${await historyOf('authority')}`);
  await person.does('node create n1 --identity sender');
  await expect(throughChannel('n1', 'guarded')).rejects.toThrow();
  await expect(throughChannel('n1', 'guarded', '--identity', 'sender', '--credential', await issued('sender', sender))).rejects.toThrow();
  const right = await issued('authority', sender);
  expect(await throughChannel('n1', 'guarded', '--identity', 'sender', '--credential', right)).toBe('hello');
});

test('K7: a node fetches the credential of its pre-trusted identity at a running authority', async () => {
  const [first] = [await identity('i1'), await identity('i2'), await identity('i3')];
  const second = await person.does('identity show i2');
  const port = await freePort();
  const trusted = JSON.stringify({ [first]: { sample: 'value' }, [second]: {} });
  await person.does([
    'authority',
    'create',
    '--tcp-listener-address',
    `127.0.0.1:${port}`,
    '--project-identifier',
    'test-context',
    '--trusted-identities',
    trusted,
  ]);
  const history = await historyOf('authority');
  const trust = `--authority-identity ${history} --authority-route /dnsaddr/127.0.0.1/tcp/${port}/service/api --credential-scope test`;
  await person.does(`node create n1 --identity i1 ${trust}`);
  await person.does(`node create n2 --identity i2 ${trust}`);
  await person.does(`node create n3 --identity i3 ${trust}`);
  const echo = await eventually(
    () => person.does('message send hello --timeout 2s --from n1 --to /node/n2/secure/api/service/echo'),
    (answer) => answer === 'hello',
    10_000,
  );
  expect(echo).toBe('hello');
  expect(await person.does(`message send hello --from n1 --to /dnsaddr/127.0.0.1/tcp/${port}/secure/api/service/echo`)).toBe('hello');
  expect(await person.json(`credential list --subject ${first}`)).toMatchObject([
    { credential: { attributes: { sample: 'value', trust_context_id: 'test-context' } }, is_verified: true },
  ]);
  await person.fails('message send hello --timeout 1s --from n3 --to /node/n2/secure/api/service/echo');
});
