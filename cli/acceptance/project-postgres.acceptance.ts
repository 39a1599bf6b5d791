import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PostgresServer } from '../../storage/conformance/worlds.ts';
import { freePort, Person, processesOf } from './world.ts';

const server = new PostgresServer();
beforeAll(() => server.start());
afterAll(() => server.stop());

test('two processes of a project share its state in PostgreSQL, and its password stands in no argument and no log', async () => {
  await using host = await Person.create();
  await using other = await Person.create();
  await using member = await Person.create();
  const url = await server.emptyState();
  const file = join(host.folder, 'database.url');
  await writeFile(file, `${url}\n`, { mode: 0o600 });
  const project = await host.does(['project', 'create', '-t', `127.0.0.1:${await freePort()}`, '--postgres', file]);
  const ticket = await host.does('project ticket');
  await host.does('project stop');

  const identifier = await host.does('identity show');
  const at = `127.0.0.1:${await freePort()}`;
  expect(await other.does(['project', 'create', '-t', at, '--postgres', '-', '--no-enroll', '--admin', identifier], { stdin: url })).toBe(
    project,
  );
  const changed = JSON.parse(Buffer.from(ticket, 'hex').toString()) as { project: unknown };
  const moved = { ...changed, project: await other.json('project show') };
  await member.does(['enroll', Buffer.from(JSON.stringify(moved)).toString('hex')]);
  expect(await member.does('message send hello --to /project/default/service/echo')).toBe('hello');

  const { password } = new URL(url);
  for (const home of [host.home, other.home])
    for (const pid of await processesOf(home))
      for (const part of ['cmdline', 'environ']) expect(await readFile(`/proc/${pid}/${part}`, 'utf8')).not.toContain(`:${password}@`);
  expect(await readFile(await other.does('project logs --output plain'), 'utf8')).not.toContain(`:${password}@`);
  expect((await host.try('project create x --postgres mysql://a')).code).toBe(66);
  expect((await host.try('project create x --postgres postgres://nobody:wrong@127.0.0.1:1/none')).code).toBe(69);
});
