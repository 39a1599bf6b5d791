// A bank's database, reached by another company through a project that knows both: four programs, one real PostgreSQL, ordinary clients.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { Database, PASSWORD, USER } from './database.ts';

const SECRET = 'a secret menu: cortado, 3.20';
const CLIENT = { host: '127.0.0.1', user: USER, password: PASSWORD, database: 'postgres' };
const programs: ChildProcess[] = [];
/** Each program has a folder of its own in it, as it would on a machine of its own. */
const homes = mkdtempSync(join(tmpdir(), 'postern-demo-homes-'));
const database = new Database();
let step = 'starting';
let isStopping = false;

async function run(): Promise<void> {
  say('1. The bank starts its database', 'starting PostgreSQL');
  await database.start();
  note(`PostgreSQL listens on 127.0.0.1:${database.port}; only the bank knows.`);

  say('2. A project starts, and makes three tickets', 'starting the programs');
  const project = start('project', { SECRET });
  const bank = start('bank', { SECRET, DATABASE: `127.0.0.1:${database.port}` });
  const analysis = start('analysis', { NAME: 'analysis' });
  const marketing = start('analysis', { NAME: 'marketing' });
  const projectIs = await heard(project, 'port');
  note(`project    ${projectIs['identifier']}, listens on 127.0.0.1:${projectIs['port']}`);
  note('A ticket says what its holder will be: postgres-outlet=true and the relay name postgres for the bank,');
  note('postgres-inlet=true for the analysis company, department=marketing for a third company.');

  say('3. Three companies enroll, each in a program that shares nothing with the others but TCP', 'enrolling the three companies');
  const registered = heard(bank, 'relayAddress');
  const bankIs = await enrolled(bank, projectIs['bankTicket']);
  note(`bank       ${bankIs['identifier']}, listens nowhere: ${bankIs['attributes']}`);
  const bankHas = await registered;
  note(`Over a channel that proves who it is, it gets the relay ${bankHas['relayAddress']}. Its policy: ${bankHas['policy']}`);
  const kept = statSync(join(homeOf('bank'), 'database.sqlite3'));
  note(
    `Its key and its credential are in a home of its own, as are those of the others: one file, mode ${(kept.mode & 0o777).toString(8)}.`,
  );

  say('4. The analysis company makes an end-to-end channel to the bank', 'making the channel between the companies');
  const channel = heard(bank, 'channelWith');
  const open = heard(analysis, 'inletPort');
  const analysisIs = await enrolled(analysis, projectIs['analysisTicket']);
  note(`analysis   ${analysisIs['identifier']}, listens nowhere: ${analysisIs['attributes']}`);
  const inlet = await open;
  note(`The bank verified ${(await channel)['channelWith']}: the analysis company.`);
  note(`The bank's database now appears on 127.0.0.1:${inlet['inletPort']} of the analysis company. Its policy: ${inlet['policy']}`);

  say('5. An ordinary PostgreSQL client connects there', 'querying through the portal');
  await query(Number(inlet['inletPort']));

  say('6. A member without the right attribute tries the same, and is denied', 'showing that the third company is denied');
  const thirdOpen = heard(marketing, 'inletPort');
  const marketingIs = await enrolled(marketing, projectIs['marketingTicket']);
  note(`marketing  ${marketingIs['identifier']}, listens nowhere: ${marketingIs['attributes']}`);
  const refused = await refusalOf(Number((await thirdOpen)['inletPort']));
  note(`Its PostgreSQL client hears: ${refused}. It is told no more; the bank's log says why:`);
  const explained = heard(bank, 'denied');
  bank.send('explain');
  const { denied, explanation } = await explained;
  if (denied !== marketingIs['identifier']) throw new Error(`the log of the bank does not say that it denied ${marketingIs['identifier']}`);
  for (const line of String(explanation).trimEnd().split('\n')) note(`| ${line}`);

  say('7. What the project saw', 'asking the project what it saw');
  const saw = heard(project, 'messages');
  project.send('report');
  const atProject = await saw;
  note(
    `${atProject['messages']} messages, ${atProject['bytes']} bytes. It searched each of them for «${SECRET}»: found ${atProject['sightings']} times.`,
  );
  const opened = heard(bank, 'messages');
  bank.send('report');
  const atBank = await opened;
  note(`The same search at the bank, where the channel ends: found ${atBank['sightings']} times.`);
  note('The project knows who talks to whom, when and how much; it can delay or drop. It can neither read nor change a byte.');
  if (atProject['sightings'] !== 0) throw new Error('the project could read what passed through it');
  if (atBank['sightings'] === 0) throw new Error('the search finds nothing anywhere, so it proves nothing');
}

/** Gives a company its ticket. @returns who it is, once it is a member */
function enrolled(program: ChildProcess, ticket: string | number | undefined): Promise<Record<string, string | number>> {
  const told = heard(program, 'attributes');
  program.send({ ticket });
  return told;
}

/** What a client is told whose connection is refused on the other side. */
async function refusalOf(port: number): Promise<string> {
  const client = new pg.Client({ ...CLIENT, port });
  try {
    await client.connect();
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
  await client.end();
  throw new Error('the third company reached the database');
}

async function query(port: number): Promise<void> {
  const client = new pg.Client({ ...CLIENT, port });
  await client.connect();
  try {
    const statements = [
      'CREATE TABLE menu (id serial PRIMARY KEY, line text)',
      `INSERT INTO menu (line) VALUES ('espresso, 2.10'), ('${SECRET}')`,
      'SELECT id, line FROM menu ORDER BY id',
    ];
    for (const statement of statements) {
      note(`> ${statement}`);
      const { rows } = await client.query<{ id: number; line: string }>(statement);
      for (const { id, line } of rows) note(`  ${id} | ${line}`);
    }
  } finally {
    await client.end();
  }
}

function start(name: string, settings: Record<string, string>): ChildProcess {
  if (isStopping) throw new Error('it is being stopped');
  const program = fork(new URL(`${name}.ts`, import.meta.url), {
    env: { ...process.env, ...settings, HOME_FOLDER: homeOf(settings['NAME'] ?? name) },
  });
  programs.push(program);
  program.once('exit', (code) => {
    if (!isStopping) void fail(new Error(`the ${name} program ended by itself (exit code ${code ?? 'none'})`));
  });
  return program;
}

const homeOf = (name: string) => join(homes, name);

/** The next fact of that name that a program tells. */
function heard(program: ChildProcess, fact: string): Promise<Record<string, string | number>> {
  return new Promise((resolve) => {
    const listen = (facts: Record<string, string | number>) => {
      if (!(fact in facts)) return;
      program.off('message', listen);
      resolve(facts);
    };
    program.on('message', listen);
  });
}

async function stop(): Promise<void> {
  isStopping = true;
  // The project, which was started first, ends last: the others say goodbye to it.
  const [project, ...members] = programs;
  await Promise.all(members.map(end));
  if (project !== undefined) await end(project);
  await database.stop();
  rmSync(homes, { recursive: true, force: true });
}

async function end(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return;
  const exit = once(program, 'exit');
  program.kill('SIGTERM');
  await exit;
}

async function fail(cause: unknown): Promise<void> {
  if (isStopping) return;
  console.error(`\nThe demo failed while ${step}: ${cause instanceof Error ? cause.message : String(cause)}`);
  await stop();
  process.exit(1);
}

function say(title: string, doing: string): void {
  step = doing;
  console.log(`\n${title}`);
}

function note(line: string): void {
  console.log(`   ${line}`);
}

// The package that runs PostgreSQL would end this process before the programs have closed their homes.
process.removeAllListeners('SIGINT');
process.on('SIGINT', () => void fail(new Error('stopped by Ctrl-C')));
const tooLong = setTimeout(() => void fail(new Error('it took longer than 60 s')), 60_000);
try {
  await run();
  await stop();
  clearTimeout(tooLong);
  console.log('\nThe example run was successful 🥳');
} catch (cause) {
  await fail(cause);
}
