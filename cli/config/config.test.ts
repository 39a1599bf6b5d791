import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Cli } from '../cli.ts';
import { makeProgram } from '../program.ts';
import { readNodeConfiguration } from './node-configuration.ts';
import { INLETS, itemsOf, OUTLETS, POLICIES, RELAYS, type Section } from './sections.ts';
import { readTree } from './tree.ts';
import { expandAll } from './variables.ts';

let folder: string;
let said: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-configuration-'));
  said = '';
});
afterEach(() => rm(folder, { recursive: true }));

function command(env: Record<string, string> = {}): Cli {
  const cli = new Cli({
    programName: 'postern',
    args: [],
    env: { POSTERN_HOME: join(folder, 'home'), ...env },
    cwd: folder,
    stdin: Readable.from([]),
    stdout: { write: () => true },
    stderr: { write: (text) => (said += text) },
    program: ['/nonexistent'],
    onSignal: () => () => undefined,
  });
  cli.makeProgram = (words, instead) => makeProgram(cli, words, instead);
  return cli;
}

const source = (text: string) => ({ name: 'n.yaml', text });
const expanded = (text: string, { given = {}, env = {} }: { given?: Record<string, string>; env?: Record<string, string> } = {}) =>
  expandAll(source(text), new Map(Object.entries(given)), env).text;
const failure = (work: () => unknown) => {
  try {
    work();
  } catch (thrown) {
    return thrown as Error & { readonly exitCode: number };
  }
  throw new Error('Nothing was thrown.');
};

const read = (text: string, line = {}, env = {}) => readNodeConfiguration(command(env), source(text), new Map(), line);
const stepsOf = async (text: string, env = {}) => (await read(text, {}, env)).steps('n');
/** What the commands of the steps were given, without what was left out. */
const given = async (text: string) =>
  (await stepsOf(text)).map(({ item, parsed }) => [
    item.section.key,
    ...parsed.given.slice(0, -1).map((each) => JSON.parse(JSON.stringify(each ?? null)) as unknown),
  ]);
const refusal = (text: string) =>
  stepsOf(text).then(
    () => 'nothing',
    (thrown: unknown) => `${(thrown as { exitCode?: number }).exitCode ?? ''} ${(thrown as Error).message}`,
  );

test('variables: the command line counts before the environment, and this before the file', () => {
  const text = 'variables:\n  A: file\n  B: ${HOST}:1\nname: $A\nto: ${B}\n';
  expect(expanded(text, { env: { HOST: 'h' } })).toContain('name: file\nto: h:1\n');
  expect(expanded(text, { env: { A: 'env', HOST: 'h' } })).toContain('name: env\n');
  expect(expanded(text, { env: { A: 'env', HOST: 'h' }, given: { A: 'given' } })).toContain('name: given\n');
});

test('variables: defaults, a dollar sign, comments, and bare numbers', () => {
  expect(expanded('a: ${X:-5}${Y:-}\nb: $$X $1 $\n  # $NONE\nc: ${X:-a b}', { env: { Y: 'y', X: '' } })).toBe(
    'a: 5y\nb: $X $1 $\n  # $NONE\nc: a b',
  );
  const tree = readTree(expandAll(source('to: $PORT\nzero: 080\nquoted: "0x10"'), new Map(), { PORT: '5432' }));
  expect(tree.entries.map(({ value }) => value)).toMatchObject([{ text: '5432' }, { text: '080' }, { text: '0x10' }]);
});

test('variables: what is not defined, is empty or is no variable is an error with its place', () => {
  expect(failure(() => expanded('name: n\nto: a$NONE'))).toMatchObject({
    exitCode: 64,
    message: "n.yaml:2:6: Variable 'NONE' is not defined.",
  });
  expect(failure(() => expanded('to: ${1}')).message).toContain('n.yaml:1:5: Here begins no variable');
  expect(failure(() => expanded('variables:\n  A: ""\n')).message).toBe("n.yaml:2:3: variables: Empty value for variable 'A'");
  expect(failure(() => expanded('variables:\n  A: [1]\n')).message).toContain('n.yaml:2:3: variables: A: ');
  expect(failure(() => expanded('variables:\n  A: $NONE\n')).message).toContain("n.yaml:2:3: variables: A: Variable 'NONE'");
  expect(failure(() => expanded('variables: [A]\n')).message).toContain('n.yaml:1:12: variables: ');
  // What the environment has is not asked of the file.
  expect(expanded('variables:\n  A: $NONE\nto: $A\n', { env: { A: '1' } })).toContain('to: 1');
});

test('variables: places are those of the file, whatever was put in', async () => {
  const steps = stepsOf('variables: {LONG: a-very-long-text, P: 99999}\nname: $LONG\ntcp-outlet: {from: $LONG, to: $P}\n');
  await expect(steps).rejects.toMatchObject({ message: expect.stringMatching(/^n\.yaml:3:\d+: tcp-outlets: /) as string });
});

test('JSON is read, too, and variables in it', async () => {
  const steps = await stepsOf('{"variables": {"P": 5432}, "tcp-outlets": {"db": {"to": "${P}"}}}');
  expect(steps[0]?.parsed.given[0]).toMatchObject({ to: '127.0.0.1:5432', from: 'db' });
});

test('each shape of a section that its command allows, in the words of the command', async () => {
  expect(await given('relay: postgres')).toEqual([['relays', 'postgres', { connectionWait: true, to: 'n' }]]);
  expect(await given('relays: [r1, {r2: {at: /project/x}}]')).toEqual([
    ['relays', 'r1', { connectionWait: true, to: 'n' }],
    ['relays', 'r2', { connectionWait: true, to: 'n', at: '/project/x' }],
  ]);
  expect(await given('relays: {r1: {to: other}, r2: {}}')).toMatchObject([
    ['relays', 'r1', { to: 'other' }],
    ['relays', 'r2', { to: 'n' }],
  ]);
  expect(await given('tcp-outlet: {to: 5432, tls: true}')).toEqual([['tcp-outlets', { to: '127.0.0.1:5432', tls: true, at: 'n' }]]);
  expect(await given('tcp_outlets: {db: {to: 5432, tls: false}, web: {to: 80, from: www}}')).toEqual([
    ['tcp-outlets', { to: '127.0.0.1:5432', from: 'db', at: 'n' }],
    ['tcp-outlets', { to: '127.0.0.1:80', from: 'www', at: 'n' }],
  ]);
  expect(await given('tcp-inlets: [{from: 6060}, {from: 6061, alias: a}]')).toMatchObject([
    ['tcp-inlets', { from: '127.0.0.1:6060', at: 'n' }],
    ['tcp-inlets', { from: '127.0.0.1:6061', at: 'n', alias: 'a' }],
  ]);
  expect(await given('tcp-inlet: {i: {no_connection_wait: true}}')).toMatchObject([['tcp-inlets', { alias: 'i', connectionWait: false }]]);
  expect(await given('policies: [{resource-type: tcp-outlet, allow: a}, {resource: x, allow: b}]')).toMatchObject([
    ['policies', { resourceType: 'tcp-outlet', allow: 'a', at: 'n' }],
    ['policies', { resource: 'x', allow: 'b', at: 'n' }],
  ]);
  const [first, second] = [`I${'0'.repeat(64)}`, `I${'1'.repeat(64)}`] as const;
  expect(await given(`tcp-inlet: {to: /node/m/service/outlet, authorized: [${first}, ${second}]}`)).toMatchObject([
    ['tcp-inlets', { authorized: [first, second] }],
  ]);
});

test('the order is that of the steps, not that of the file', async () => {
  const text = 'tcp-inlet: {from: 1}\ntcp-outlet: {to: 1}\nrelay: r\npolicy: {resource: r, allow: a}\n';
  expect((await stepsOf(text)).map(({ item }) => item.section.key)).toEqual(['policies', 'relays', 'tcp-outlets', 'tcp-inlets']);
});

test('what is wrong is named with its place, its section and its item', async () => {
  for (const [text, message] of [
    ['tcp-outlets:\n  db:\n    to: 70000\n', '64 n.yaml:3:9: tcp-outlets db: '],
    ['tcp-outlets:\n  db: {tu: 5432}\n', "64 n.yaml:2:8: tcp-outlets db: tu is no option of 'tcp-outlet create'. Did you mean to?"],
    ['tcp-outlet: {}\n', "64 n.yaml:1:13: tcp-outlets: required option '--to <HOST:PORT>' not specified"],
    ['tcp-outlet: {to: }\n', '65 n.yaml:1:14: tcp-outlets: to has no value.'],
    ['tcp-outlets:\n  db:\n', '65 n.yaml:2:3: tcp-outlets: db has no value.'],
    ['tcp-outlets: {db: {to: 1}, to: 2}\n', '65 n.yaml:1:28: tcp-outlets: to stands beside items with names'],
    ['tcp-outlet: db\n', '65 n.yaml:1:13: tcp-outlets: Here stands'],
    ['tcp-outlets: [{db: {to: 1}}]\n', '65 n.yaml:1:15: tcp-outlets: In a list'],
    ['tcp-outlet: {to: 1, tls: yes}\n', '64 n.yaml:1:26: tcp-outlets: tls: Write true or false.'],
    ['tcp-outlet: {to: {a: 1}, from: x}\n', '65 n.yaml:1:26: tcp-outlets: from stands beside'],
    ['tcp-outlet: {to: [[1]]}\n', '64 n.yaml:1:19: tcp-outlets: to: Here stands'],
    ['tcp-outlet: {to: [1, 2]}\n', '64 n.yaml:1:18: tcp-outlets: '],
    ['tcp-outlet: {to: 1, output: json}\n', '64 n.yaml:1:21: tcp-outlets: output is no option'],
    ['tcp-outlet: {to: 1, help: true}\n', '64 n.yaml:1:21: tcp-outlets: help is no option'],
    ["relay: r\ntcp-outlet: {to: 1, allow: 'a or'}\n", "64 n.yaml:2:28: tcp-outlets: invalid value 'a or'"],
    ['policies: {a: {allow: b}}\n', '65 n.yaml:1:12: policies: Items have no names'],
    ['relays: [r, {a: {}, b: {}}]\n', '65 n.yaml:1:13: relays: In a list'],
    ['relays: [r!]\n', '64 n.yaml:1:10: relays r!: '],
    ['relay: true\n', '65 n.yaml:1:8: relays: Here stands'],
    ['relay: r\nrelays: [q]\n', '65 n.yaml:2:1: relays is given twice; first at n.yaml:1:1.'],
    ['http-server-port: 70000\n', '64 n.yaml:1:19: node: '],
    ['http-server: maybe\n', '64 n.yaml:1:14: node: http-server: Write true or false.'],
    ['kafka-outlet: {}\n', '64 n.yaml:1:1: kafka-outlet: This section is not there yet.'],
    ['a: b: c\n', '65 n.yaml:1:'],
    ['a: 1\na: 2\n', '65 n.yaml:2:1: It is no YAML'],
    ['- a\n', '65 n.yaml:1:1: A configuration is a map'],
    ['name: [a]\n', '64 n.yaml:1:7: name: Here stands one text.'],
  ] as const)
    expect(await refusal(text), text).toContain(message);
});

test('a key that means nothing is ignored with a warning that names the nearest', async () => {
  await read('nmae: x\nversion: 9\n');
  expect(said).toContain('n.yaml:1:1: nmae means nothing here, and is ignored. Did you mean name?');
  expect(said).not.toContain('version');
});

test('the command line wins over the file, also where it says it in another way', async () => {
  const text = 'name: n\nhttp-server-port: 70000\nproject: p!\nidentity: i\ntcp-listener-address: 127.0.0.1:1\nforeground: true\n';
  const line = { httpServer: true, authorityIdentity: 'ab', tcpListenerAddress: '127.0.0.1:2' };
  const { options } = await read(text, line);
  expect(options).toMatchObject({ identity: 'i', foreground: true });
  expect(options).not.toHaveProperty('httpServerPort');
  expect(options).not.toHaveProperty('project');
  expect(options).not.toHaveProperty('tcpListenerAddress');
});

test('aliases of YAML are followed, and not without end', async () => {
  expect(await given('a: &db {to: 5432}\ntcp-outlet: *db\n')).toMatchObject([['tcp-outlets', { to: '127.0.0.1:5432' }]]);
  const bomb = ['a0: &a0 [x, x]', ...Array.from({ length: 30 }, (_, index) => `a${index + 1}: &a${index + 1} [*a${index}, *a${index}]`)];
  expect(await refusal(bomb.join('\n'))).toContain('nested too deep, or too long');
});

test('every shape is allowed for some section and refused for another: none is left out', () => {
  const shapes = { name: 'x', one: '{to: 1}', named: '{a: {to: 1}}', names: '[x, {y: {}}]', unnamed: '[{to: 1}, {to: 2}]' };
  const allowed = (section: Section, shape: string) => {
    const { entries } = readTree(expandAll(source(`k: ${shape}`), new Map(), {}));
    const [entry] = entries;
    try {
      return entry !== undefined && itemsOf(section, entry).length > 0;
    } catch {
      return false;
    }
  };
  const table = [RELAYS, OUTLETS, INLETS, POLICIES].map((section) => Object.values(shapes).map((shape) => allowed(section, shape)));
  expect(table).toEqual([
    [true, true, true, true, false],
    [false, true, true, false, true],
    [false, true, true, false, true],
    [false, true, false, false, true],
  ]);
});
