import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, freePort, Person } from './world.ts';

const TICKET = 'project ticket --usage-count 5';
const ECHO = '/project/default/service/echo';
const persons: Person[] = [];
let admin: Person;

async function person(): Promise<Person> {
  const made = await Person.create();
  persons.push(made);
  return made;
}

beforeEach(async () => {
  admin = await person();
});
afterEach(async () => {
  for (const each of persons.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

/** A project that this administrator begins. */
async function begin(who = admin): Promise<void> {
  await who.does(`enroll --tcp-listener-address 127.0.0.1:${await freePort()}`);
}

/** @returns its path */
async function written(by: Person, name: string, lines: readonly string[]): Promise<string> {
  const path = join(by.folder, name);
  await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o600 });
  return path;
}

async function ticketFile(by: Person, options = '', from = admin): Promise<string> {
  return written(by, `ticket-${await freePort()}`, [await from.does(`${TICKET}${options}`)]);
}

const serve = (by: Person) => by.serve((_, response) => response.end('served'));
const answers = (port: number | string, withinMs = 15_000) =>
  eventually(
    () => fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(5_000) }).then((each) => each.text()),
    (text) => text === 'served',
    withinMs,
  );

test('G1: an administrator applies a file with a ticket of its own project', async () => {
  await begin();
  const file = await written(admin, 'node.yaml', ['name: n', 'tcp-outlet:', '  to: 5432']);
  expect(await admin.does(`node create ${file} --enrollment-ticket ${await ticketFile(admin)}`)).toBe('n');
  expect(await admin.json('node show n')).toMatchObject({ status: 'running', outlets: [{ to: '127.0.0.1:5432' }] });
  expect(await admin.does('message send hello --to /node/n/secure/api/service/echo')).toBe('hello');
});

test('G2, G3: a member applies the same file with the same ticket again, also in the foreground', async () => {
  await begin();
  const member = await person();
  const ticket = await ticketFile(member, ' --relay m');
  const port = await freePort();
  const lines = ['name: m', 'relay: m', 'tcp-outlet:', `  to: ${await serve(member)}`, 'tcp-inlet:', `  from: ${port}`, '  via: m'];
  const file = await written(member, 'node.yaml', lines);
  for (let time = 0; time < 2; time++) {
    expect(await member.does(`node create ${file} --enrollment-ticket ${ticket}`)).toBe('m');
    await answers(port);
    await member.does('node delete m --yes');
  }
  member.start(`node create ${file} --enrollment-ticket ${ticket} --foreground`);
  await eventually(
    () => member.does('message send hello --to /node/m/secure/api/service/echo'),
    (said) => said === 'hello',
    30_000,
  );
  await answers(port);
});

test('G4, G5: variables of the file, of the environment and of the command line', async () => {
  const [listen, port, named] = [await freePort(), await freePort(), await freePort()];
  const server = await serve(admin);
  const file = await written(admin, 'node.yaml', [
    'variables:',
    '  NAME: from-file',
    `  SERVER: ${server}`,
    '  DB: db',
    'name: $NAME',
    'tcp-listener-address: 127.0.0.1:$LISTEN',
    'tcp-outlets:',
    '  outlet:',
    '    to: $SERVER',
    '  $DB:',
    '    to: ${SERVER}',
    'tcp-inlets:',
    '  - from: ${PORT}',
    '    to: /node/$NAME/secure/api/service/${NOT_SET:-outlet}',
    '  - from: $NAMED',
    '    to: /node/$NAME/secure/api/service/$DB',
  ]);
  const env = { LISTEN: String(listen), NAMED: 'no port', NAME: 'from-env' };
  const name = await admin.does(`node create ${file} --variable PORT=${port} --variable NAMED=${named}`, { env });
  expect(name).toBe('from-env');
  expect(await admin.json('node show from-env')).toMatchObject({ route: { verbose: `/dnsaddr/localhost/tcp/${listen}` } });
  await answers(port);
  await answers(named);
  expect(await admin.fails(`node create ${file}`)).toContain("node.yaml:6:33: Variable 'LISTEN' is not defined.");
});

test('G6: two companies, of which the second was invited by an enroller, reach each other', async () => {
  await begin();
  const [enroller, bank, analysts] = [await person(), await person(), await person()];
  await enroller.does(`enroll ${await ticketFile(enroller, ' --enroller')}`);
  const one = await ticketFile(bank, ' --relay bank --attribute bank');
  const two = await written(analysts, 'ticket', [await enroller.does('project ticket --relay analysts --attribute analysts')]);
  const [at, back] = [await freePort(), await freePort()];
  const lines = async (by: Person, own: string, other: string, port: number, ticket: string) => [
    `ticket: ${ticket}`,
    `name: ${own}`,
    'relays:',
    `  - ${own}`,
    'tcp-outlets:',
    '  shared:',
    `    to: ${await serve(by)}`,
    `    allow: ${other} or administrator`,
    'tcp-inlets:',
    '  theirs:',
    `    from: ${port}`,
    `    via: ${other}`,
    '    to: shared',
    `    allow: ${other}`,
  ];
  await bank.does(`node create ${await written(bank, 'node.yaml', await lines(bank, 'bank', 'analysts', at, one))}`);
  await analysts.does(`node create ${await written(analysts, 'node.yaml', await lines(analysts, 'analysts', 'bank', back, two))}`);
  await answers(back, 30_000);
  await answers(at, 30_000);
});

test('G7: the file and the ticket come from URLs, with a scheme and without', async () => {
  await begin();
  const member = await person();
  const ticket = await admin.does(TICKET);
  const files: Record<string, string> = { '/node.yaml': 'name: fetched\n', '/again': 'name: again\n', '/ticket': ticket };
  const server = await member.serve((request, response) => response.end(files[request.url ?? '']));
  expect(await member.does(`node create http://${server}/node.yaml --enrollment-ticket http://${server}/ticket`)).toBe('fetched');
  expect(await member.does(`node create ${server}/again --enrollment-ticket ${server}/ticket`)).toBe('again');
  expect(await member.does(`message send hello --to ${ECHO}`)).toBe('hello');
});

test('G8, G10: the identity of the file is made and enrolled; what the command line says instead leaves no trace', async () => {
  await begin();
  const member = await person();
  const file = await written(member, 'node.yaml', [
    `ticket: ${await ticketFile(member)}`,
    'name: n',
    'identity: in-file',
    'foreground: false',
  ]);
  expect(await member.does(`node create ${file}`)).toBe('n');
  expect(await member.does(`message send hello --to ${ECHO} --identity in-file`)).toBe('hello');

  const other = await person();
  const overridden = await written(other, 'node.yaml', ['ticket: /nonexistent', 'name: n', 'identity: in-file', 'http-server-port: 1']);
  const ticket = await ticketFile(other);
  expect(
    await other.does([
      'node',
      'create',
      'm',
      '--configuration',
      `{ticket: /nonexistent, name: n, identity: in-file}`,
      '--identity',
      'given',
      '--enrollment-ticket',
      ticket,
    ]),
  ).toBe('m');
  await other.does(`node create ${overridden} --identity given --enrollment-ticket ${ticket} --http-server`);
  expect(await other.does('identity list --jq .[].name')).toBe('"given"');
  expect(await other.does('node list --jq .[].node_name')).toBe('"m"\n"n"');
  expect(await other.does(`message send hello --to ${ECHO} --identity given`)).toBe('hello');
});

test('G9, G11: a ticket without a file, and the text of a ticket in the environment', async () => {
  await begin();
  const member = await person();
  expect(await member.does(`node create n1 --identity i1 --enrollment-ticket ${await ticketFile(member)}`)).toBe('n1');
  expect(await member.does(`message send hello --to ${ECHO} --identity i1`)).toBe('hello');

  const other = await person();
  const file = await written(other, 'node.yaml', ['ticket: ${MY_TICKET}', 'name: n2']);
  const MY_TICKET = await admin.does(TICKET);
  expect(await other.does(`node create ${file}`, { env: { MY_TICKET } })).toBe('n2');
  expect(await other.does(`message send hello --to ${ECHO}`)).toBe('hello');
  // As the default of the option; it is not handed to the node.
  const third = await person();
  expect(await third.does('node create n3', { env: { ENROLLMENT_TICKET: MY_TICKET } })).toBe('n3');
  expect(await third.does(`message send hello --to ${ECHO}`)).toBe('hello');
  expect((await third.try('node create n4', { env: { ENROLLMENT_TICKET: '' } })).code).toBe(64);
});

test('the project of a ticket counts for its whole file, also where another one is the default', async () => {
  const [other, member] = [await person(), await person()];
  await begin();
  await begin(other);
  await member.does(`enroll ${await ticketFile(member)}`);
  const ticket = await ticketFile(member, ' --relay m', other);
  await member.does(['node', 'create', 'm', '--configuration', 'relay: m', '--enrollment-ticket', ticket]);
  const home = await member.json('project list');
  const { name } = (home as { readonly name: string; readonly id: string }[]).find((each) => each.name !== 'default') ?? {};
  expect(await member.json('relay list --to m')).toMatchObject([
    { destination_address: `/project/${name ?? ''}`, connection_status: 'Up' },
  ]);
  expect(await member.does('project default')).toBe('default');
});

test('a failure names its place and deletes the node, unless it was there before', async () => {
  const configuration = 'name: n\ntcp-outlets:\n  a: {to: 1}\n  b: {to: 2, from: a}\n';
  const said = await admin.fails(['node', 'create', '--configuration', configuration]);
  expect(said).toContain('--configuration:4:3: tcp-outlets b: ');
  expect(await admin.does('node show n --output json')).toBe('[]');
  await admin.does('node create n');
  expect(await admin.fails(['node', 'create', '--configuration', configuration])).toContain('running already');
  expect(await admin.json('node show n')).toMatchObject({ status: 'running' });
  await admin.does('node stop n');
  await admin.fails(['node', 'create', '--configuration', configuration]);
  expect(await admin.json('node show n')).toMatchObject({ status: 'stopped' });
  // In the foreground, too.
  await admin.does('node delete n --yes');
  expect(await admin.fails(['node', 'create', '--configuration', configuration, '--foreground'])).toContain('tcp-outlets b: ');
  expect(await admin.does('node list --output json')).toBe('[]');
});

test('nothing is done before all of it was looked at', async () => {
  const configuration = 'identity: i\nrelay: r!\n';
  expect((await admin.try(['node', 'create', '--configuration', configuration])).code).toBe(64);
  expect(await admin.fails(['node', 'create', '--configuration', 'tcp-outlet: {to: 1, allow: "a or"}'])).toContain('tcp-outlets: ');
  expect(await admin.does('identity list --output json')).toBe('[]');
  expect(await admin.does('node list --output json')).toBe('[]');
});

test('a recipe makes vaults, identities, nodes and what is on them, and stays until they have ended where it is told to', async () => {
  const port = await freePort();
  const recipe = await written(admin, 'postern.yaml', [
    'variables: {PORT: ' + `${port}}`,
    'vaults: [v]',
    'identities: {i: {vault: v}}',
    'nodes: {n1: {identity: i, http-server: true}, n2: {}}',
    'relay: {r: {at: n1, to: n2}}',
    'policy: {resource-type: tcp-outlet, allow: "(= 1 1)", at: n1}',
    `tcp-outlets: {db: {to: ${await serve(admin)}, at: n1}}`,
    'tcp-inlet: {from: $PORT, to: /node/n1/secure/api/service/db, at: n2}',
  ]);
  const blocking = admin.start('run --blocking');
  await answers(port, 60_000);
  expect(await admin.json('node show n1')).toMatchObject({ identity_name: 'i', outlets: [{ worker_addr: 'db' }] });
  expect(await admin.json('relay list --to n2')).toMatchObject([{ name: 'r', connection_status: 'Up' }]);
  const ended = new Promise<number | null>((resolve) => blocking.once('exit', (code) => resolve(code)));
  blocking.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(await admin.does('node list --jq .[].status.status')).toBe('"stopped"\n"stopped"');
  expect(await admin.fails(['run', recipe, '--inline', 'nodes: [a]'])).toContain('two recipes');
  expect(await admin.fails(['run', '--inline', 'nodes: [a]\ntcp-outlets: {x: {to: 1}, y: {to: 1, from: x}}'])).toContain('tcp-outlets y: ');
  expect(await admin.does('node list --jq .[].node_name')).toBe('"n1"\n"n2"');
});
