import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort, Person } from './world.ts';

const PROJECT = 'p1';

let person: Person;
let port: number;
beforeEach(async () => {
  person = await Person.create();
  port = await freePort();
});
afterEach(() => person[Symbol.asyncDispose]());

const identity = (name: string) => person.does(`identity create ${name}`);
const historyOf = (name: string) => person.does(`identity show ${name} --full --encoding hex`);

/** Starts an authority that knows these from the start. */
async function authority(trusted: Readonly<Record<string, Readonly<Record<string, string>>>> = {}, ...more: string[]): Promise<void> {
  const at = ['--tcp-listener-address', `127.0.0.1:${port}`];
  const what = ['--project-identifier', PROJECT, '--trusted-identities', JSON.stringify(trusted)];
  expect(await person.does(['authority', 'create', ...at, ...what, ...more])).toBe('');
}

/** Imports a project with that authority, and a project node that nobody runs. */
async function importProject(name = 'authority'): Promise<void> {
  const file = join(person.folder, 'project.json');
  const project = {
    id: PROJECT,
    name: 'default',
    access_route: '/dnsaddr/127.0.0.1/tcp/1/service/api',
    users: [],
    space_id: '1',
    space_name: '',
    identity: await person.does(`identity show ${name}`),
    authority_access_route: `/dnsaddr/127.0.0.1/tcp/${port}/service/api`,
    authority_identity: await historyOf(name),
    project_change_history: await historyOf(name),
    user_roles: [],
  };
  await writeFile(file, JSON.stringify(project));
  await person.does(`project import --project-file ${file}`);
}

const ticketBy = (name: string, ...more: string[]) => person.does(['project', 'ticket', '--identity', name, ...more]);

/** @returns what the credential says */
async function enrolled(name: string, ticket?: string): Promise<Record<string, string>> {
  const joined = (await person.json(['project', 'enroll', ...(ticket === undefined ? [] : [ticket]), '--identity', name])) as {
    credential: { attributes: Record<string, string> };
  };
  return joined.credential.attributes;
}

test('A1, A2: an authority shows as running though it takes no plain request; its identity is called authority', async () => {
  await authority();
  expect(await person.json('node show authority')).toMatchObject({ status: 'running', identity_name: 'authority' });
  expect(await person.json('node list')).toMatchObject([{ node_name: 'authority', status: { status: 'running' } }]);
  expect(await person.does('identity show authority')).toMatch(/^I[0-9a-f]{64}$/);
  await person.fails('message send hello --timeout 1s --to /node/authority/service/echo');
  expect((await person.try(`authority create -t 127.0.0.1:${port} --project-identifier x --trusted-identities {}`)).code).not.toBe(0);
});

test('A3: an authority has the identity that is named, and refuses what it cannot read', async () => {
  await authority({}, '--identity', 'chosen');
  expect(await person.json('node show authority')).toMatchObject({ identity_name: 'chosen' });
  expect((await person.try('authority create other --project-identifier x --trusted-identities {"a":1}')).code).toBe(65);
  expect((await person.try('authority create other --trusted-identities {}')).code).toBe(64);
  expect(
    (await person.try('authority create other --project-identifier x --trusted-identities {} --tenant-base-url https://a.example')).code,
  ).toBe(64);
});

test('A4: roles are those of the account authority, of tickets, and of who is trusted from the start', async () => {
  const account = await identity('account');
  const [administrator, enroller, member] = [await identity('administrator'), await identity('enroller'), await identity('m0')];
  for (const name of ['m1', 'm2', 'm3', 'm4']) await identity(name);
  const trusted = { [enroller]: { 'ockam-role': 'enroller' }, [member]: { sample: 'value' } };
  const options = ['--account-authority', await historyOf('account'), '--no-direct-authentication', '--enforce-admin-checks'];
  await authority(trusted, ...options);
  await importProject();

  expect((await person.try('project enroll --identity administrator')).code).toBe(77);
  const admin = await person.does([
    ...`credential issue --as account --for ${administrator} --encoding hex --attribute`.split(' '),
    `project=${PROJECT}`,
  ]);
  expect(await person.does(`credential verify --issuer ${account} --credential ${admin}`)).toBe('true');
  await person.does('node create n1 --identity administrator --project default');
  await person.does(`secure-channel create --from n1 --to /node/authority/service/api --identity administrator --credential ${admin}`);
  expect(await enrolled('administrator')).toMatchObject({ 'ockam-relay': '*' });
  expect(await enrolled('m0')).toMatchObject({ sample: 'value', trust_context_id: PROJECT });

  expect(await enrolled('m1', await ticketBy('administrator', '--attribute', 'app=one'))).toMatchObject({ app: 'one' });
  const twice = await ticketBy('administrator', '--usage-count', '2', '-a', 'twice');
  expect(await enrolled('m2', twice)).toMatchObject({ twice: 'true' });
  expect(await enrolled('m3', twice)).toMatchObject({ twice: 'true' });
  expect((await person.try(['project', 'enroll', twice, '--identity', 'm4'])).code).toBe(77);
  expect(await enrolled('m4', await ticketBy('administrator', '--enroller'))).toMatchObject({ 'ockam-role': 'enroller' });
  expect(await ticketBy('m4', '-a', 'x')).toMatch(/^[0-9a-f]+$/);
  expect(await person.fails('project ticket --identity m4 --enroller')).toMatch(/not admin/i);
  expect(await person.fails('project ticket --identity enroller --enroller')).toMatch(/not admin/i);
  // There is no such service, and nobody says so.
  const hasty = { env: { POSTERN_DEFAULT_TIMEOUT: '2s' } };
  expect((await person.try('project-member list --identity administrator', hasty)).code).toBe(69);
});

test('A5: a ticket is void when its time is over', async () => {
  const enroller = await identity('enroller');
  await identity('m1');
  await authority({ [enroller]: { 'ockam-role': 'enroller' } });
  await importProject();
  const [short, long] = [await ticketBy('enroller', '--expires-in', '1s'), await ticketBy('enroller', '--expires-in', '30s')];
  // The clock of the authority is the real one.
  await pause(2_000);
  expect((await person.try(['project', 'enroll', short, '--identity', 'm1'])).code).toBe(77);
  expect(await enrolled('m1', long)).toMatchObject({ trust_context_id: PROJECT });
});

test('A6: without admin checks an enroller makes enrollers', async () => {
  const enroller = await identity('enroller');
  await identity('m1');
  await authority({ [enroller]: { 'ockam-role': 'enroller' } });
  await importProject();
  const ticket = await ticketBy('enroller', '--enroller', '--attribute', 'sample=value');
  expect(await enrolled('m1', ticket)).toMatchObject({ 'ockam-role': 'enroller', sample: 'value' });
});

test('A7: an enroller lists, adds, shows and deletes members', async () => {
  const enroller = await identity('enroller');
  const member = await identity('m1');
  await authority({ [enroller]: { 'ockam-role': 'enroller' } });
  await importProject();
  const itself = await person.does('identity show authority');
  const as = '--identity enroller';
  expect(await person.json(`project-member list-ids ${as}`)).toEqual([{ identifier: enroller }]);
  const first = { identifier: enroller, attributes: { attributes: { 'ockam-role': 'enroller' }, attested_by: itself } };
  expect(await person.json(`project-member list ${as}`)).toMatchObject([first]);
  expect(await person.json(`project-member add ${member} ${as} --attribute key=value --relay *`)).toEqual({
    project: 'default',
    identifier: member,
    attributes: { key: 'value', 'ockam-relay': '*' },
  });
  const second = { identifier: member, attributes: { attributes: { key: 'value', 'ockam-relay': '*' }, attested_by: enroller } };
  expect(await person.json(`project-member show ${member} ${as}`)).toMatchObject(second);
  expect(await person.json(`project-member list ${as} --enrollers`)).toMatchObject([first]);
  expect(await person.json(`project-member delete ${member} ${as}`)).toEqual({ project: 'default', identifiers: [member] });
  expect(await person.json(`project-member list-ids ${as}`)).toEqual([{ identifier: enroller }]);
  expect(await person.fails(`project-member show ${member} ${as}`)).toContain('not found');
  expect((await person.try(`project-member delete ${as}`)).code).toBe(64);
});

test('A8: in a hosted project administrators and enrollers manage members, and a member does not', async () => {
  await person.does(`enroll --tcp-listener-address 127.0.0.1:${port}`);
  const [enroller, member, other] = [await identity('enroller'), await identity('member'), await identity('other')];
  await person.does(`project-member add ${member} -a a=b`);
  expect(await person.json(`project-member show ${member}`)).toMatchObject({ attributes: { attributes: { a: 'b' } } });
  await person.does(`project-member delete ${member}`);
  await person.does(`project-member add ${member}`);
  await person.does(`project-member add ${enroller} --enroller`);
  await person.does(`project-member add ${other} --identity enroller`);
  await person.does(`project-member delete ${other} --identity enroller`);
  for (const refused of [`add ${other}`, `delete ${enroller}`, 'list', 'list-ids', `show ${enroller}`])
    expect((await person.try(`project-member ${refused} --identity member`)).code).toBe(77);

  expect(await person.json('project-admin list')).toHaveLength(1);
  await person.does(`project-admin add ${member}`);
  expect(await person.json('project-admin list')).toHaveLength(2);
  await person.does(`project-admin delete ${member}`);
  expect(await person.json(`project-member show ${member}`)).toMatchObject({ attributes: { attributes: {} } });
  expect((await person.try('project-admin add somebody@example.com')).code).toBe(64);
  expect(await person.json('project-member delete --all')).toMatchObject({
    identifiers: expect.arrayContaining([enroller, member]) as string[],
  });
});
