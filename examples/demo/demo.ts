// A bank's database, reached by another company through a relay: three programs, one real PostgreSQL, one ordinary client.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import pg from 'pg';
import { Database, PASSWORD, USER } from './database.ts';

const SECRET = 'a secret menu: cortado, 3.20';
const programs: ChildProcess[] = [];
const database = new Database();
let step = 'starting';
let isStopping = false;

async function run(): Promise<void> {
  say('1. The bank starts its database', 'starting PostgreSQL');
  await database.start();
  note(`PostgreSQL listens on 127.0.0.1:${database.port}; only the bank knows.`);

  say('2. Three programs start, which share nothing but TCP', 'starting the three programs');
  const relay = start('relay', { SECRET });
  const bank = start('bank', { SECRET, DATABASE: `127.0.0.1:${database.port}` });
  const analysis = start('analysis', {});
  const [relayIs, bankIs, analysisIs] = await Promise.all([heard(relay, 'port'), heard(bank, 'identifier'), heard(analysis, 'identifier')]);
  note(`relay     ${relayIs['identifier']}, listens on 127.0.0.1:${relayIs['port']}`);
  note(`bank      ${bankIs['identifier']}, listens nowhere`);
  note(`analysis  ${analysisIs['identifier']}, listens nowhere`);

  say('3. The bank registers at the relay', 'registering the bank at the relay');
  const registered = heard(bank, 'relayAddress');
  bank.send({ relayIdentifier: relayIs['identifier'], relayPort: relayIs['port'], analysisIdentifier: analysisIs['identifier'] });
  note(`Over a channel that proves who it is, it gets the address ${(await registered)['relayAddress']}.`);

  say('4. The two companies make an end-to-end channel through the relay', 'making the channel between the companies');
  const channel = heard(bank, 'channelWith');
  const open = heard(analysis, 'port');
  analysis.send({ relayPort: relayIs['port'], bankIdentifier: bankIs['identifier'] });
  const inlet = await open;
  note(`bank      verified ${(await channel)['channelWith']}: the analysis company`);
  note(`analysis  verified ${inlet['channelWith']}: the bank`);
  note(`The bank's database now appears on 127.0.0.1:${inlet['port']} of the analysis company.`);

  say('5. An ordinary PostgreSQL client connects there', 'querying through the portal');
  await query(Number(inlet['port']));

  say('6. What the relay saw', 'asking the relay what it saw');
  const saw = heard(relay, 'messages');
  relay.send('report');
  const atRelay = await saw;
  note(
    `${atRelay['messages']} messages, ${atRelay['bytes']} bytes. It searched each of them for «${SECRET}»: found ${atRelay['sightings']} times.`,
  );
  const opened = heard(bank, 'messages');
  bank.send('report');
  const atBank = await opened;
  note(`The same search at the bank, where the channel ends: found ${atBank['sightings']} times.`);
  note('The relay knows who talks to whom, when and how much; it can delay or drop. It can neither read nor change a byte.');
  if (atRelay['sightings'] !== 0) throw new Error('the relay could read what passed through it');
  if (atBank['sightings'] === 0) throw new Error('the search finds nothing anywhere, so it proves nothing');
}

async function query(port: number): Promise<void> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: USER, password: PASSWORD, database: 'postgres' });
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
  const program = fork(new URL(`${name}.ts`, import.meta.url), { env: { ...process.env, ...settings } });
  programs.push(program);
  program.once('exit', (code) => {
    if (!isStopping) void fail(new Error(`the ${name} program ended by itself (exit code ${code ?? 'none'})`));
  });
  return program;
}

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
  await Promise.all(
    programs.map(async (program) => {
      if (program.exitCode !== null || program.signalCode !== null) return;
      const exit = once(program, 'exit');
      program.kill('SIGTERM');
      await exit;
    }),
  );
  await database.stop();
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

process.once('SIGINT', () => void fail(new Error('stopped by Ctrl-C')));
const tooLong = setTimeout(() => void fail(new Error('it took longer than 60 s')), 60_000);
try {
  await run();
  await stop();
  clearTimeout(tooLong);
  console.log('\nThe example run was successful 🥳');
} catch (cause) {
  await fail(cause);
}
