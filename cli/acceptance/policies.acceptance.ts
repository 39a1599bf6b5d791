import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Person } from './world.ts';

let person: Person;
beforeEach(async () => {
  person = await Person.create();
});
afterEach(() => person[Symbol.asyncDispose]());

const set = (...words: string[]) => person.does(['policy', 'create', ...words]);

test('Y1, Y2, Y3: the policy of a type, however it is named, and that of a resource is set, shown and deleted', async () => {
  const dba = '(= subject.role "dba")';
  for (const [option, name] of [
    ['--resource', 'tcp-outlet'],
    ['--resource-type', 'tcp-inlet'],
    ['--resource', 'my-outlet'],
  ] as const) {
    await set(option, name, '--expression', dba);
    const policy = { resource: name, action: 'handle_message', expression: dba };
    expect(await person.json(`policy show ${name}`)).toEqual(policy);
    expect(await person.json('policy list')).toContainEqual(policy);
    expect(await person.json(`policy list ${name}`)).toEqual([policy]);
    await person.does(`policy delete ${name} -y`);
    expect(await person.json(`policy show ${name}`)).toEqual([]);
    expect(await person.does(`policy delete ${name} -y`)).toBe('[]');
  }
  expect((await person.try('policy remove tcp-outlet')).code).toBe(64);
  expect((await person.try(['policy', 'create', '--resource', 'a', '--resource-type', 'relay', '--allow', 'a'])).code).toBe(64);
  const asType = await person.try(['policy', 'create', '--resource', 'relay', '--allow', 'a'], { env: { QUIET: '' } });
  expect(asType).toMatchObject({ code: 0, stderr: expect.stringContaining('--resource-type relay') as string });
});

test('Y4: attribute names are short for their full form', async () => {
  await set('--resource-type', 'tcp-outlet', '--allow', 'component.db or component.web');
  expect(await person.json('policy show')).toMatchObject({
    expression: '(or (= subject.component.db "true") (= subject.component.web "true"))',
  });
});

test('Y5: half an expression is refused, with what could be read and what could not', async () => {
  const { code, stderr } = await person.try(['policy', 'create', '--resource-type', 'tcp-outlet', '--allow', 'component.db or']);
  expect(code).toBe(64);
  expect(stderr).toContain("invalid value 'component.db or'");
  expect(stderr).toContain('successfully parsed: `component.db`, but ` or` cannot be parsed');
  for (const command of ['tcp-outlet create --to 5432', 'tcp-inlet create --to /node/n/service/outlet'])
    expect(await person.fails([...command.split(' '), '--allow', 'component.db or'])).toContain(
      'successfully parsed: `component.db`, but ` or` cannot be parsed',
    );
  expect(await person.json('policy list').catch(() => [])).toEqual([]);
});

test('policy explain, plan and log: why somebody is denied, who would be let in, and what was denied', async () => {
  const guard = await person.does('identity create guard');
  const history = await person.does('identity show guard --full --encoding hex');
  await person.does(`node create guarded --identity guard --authority-identity ${history}`);
  await person.does('tcp-outlet create --at guarded --to 5432 --allow dba');
  const stranger = await person.does('identity create stranger');
  expect(await person.json(`policy explain outlet ${stranger} --at guarded`)).toMatchObject({ allowed: false, identifier: stranger });
  const explanation = await person.json(`policy explain outlet ${stranger} -a dba=false --at guarded`);
  expect(explanation).toMatchObject({
    allowed: false,
    expression: '(= subject.dba "true")',
    change: [{ name: 'subject.dba', value: '"true"' }],
    is_exact: true,
  });
  expect(await person.json(`policy explain outlet ${stranger} -a dba=true --at guarded`)).toMatchObject({ allowed: true });
  expect(await person.fails(`policy explain nothing ${stranger} --at guarded`)).toContain('not found');
  const members = JSON.stringify([
    { identifier: stranger, attributes: { dba: 'true' } },
    { identifier: guard, attributes: null },
  ]);
  const file = `${person.folder}/members.json`;
  await writeFile(file, members);
  const plan = await person.json([...`policy plan --at guarded --members ${file} --resource outlet --allow`.split(' '), '(= 1 1)']);
  expect(plan).toMatchObject({ turned: [{ resource: 'outlet', identifier: guard, gains: true }] });
  expect(await person.json(`policy plan --at guarded --members ${file} --resource outlet --delete`)).toMatchObject({ turned: [] });
  expect(await person.json('policy show outlet --at guarded')).toMatchObject({ expression: '(= subject.dba "true")' });

  await person.does('node create n1 --identity stranger');
  await person.fails('message send hello --timeout 1s --from n1 --to /node/guarded/secure/api/service/echo');
  const log = (await person.json('policy log --at guarded')) as { number: number; identifier: string | null }[];
  const denial = log.find(({ identifier }) => identifier === stranger);
  expect(denial).toMatchObject({ resource: 'echo', direction: 'in', attributes: null, count: 1 });
  expect(await person.json(`policy explain --denial ${denial?.number ?? 0} --at guarded`)).toMatchObject({
    allowed: false,
    identifier: stranger,
  });
  await person.does('node stop guarded');
  expect(await person.json('policy log --at guarded')).toContainEqual(denial);
});
