import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, freePort, Person } from './world.ts';

let person: Person;
beforeEach(async () => {
  person = await Person.create();
});
afterEach(() => person[Symbol.asyncDispose]());

test('E20, E21: five commands make a private server appear at a port of this machine', async () => {
  const server = await person.serve((request, response) => response.end(`seen: ${request.method ?? ''}`));
  const [project, port] = [await freePort(), await freePort()];
  expect(await person.does(`enroll --tcp-listener-address 127.0.0.1:${project}`)).toMatch(/^I[0-9a-f]{64}$/);
  expect(await person.does(`tcp-outlet create --to ${server}`)).toBe('/service/outlet');
  expect(await person.does('relay create postgres')).toBe('/service/forward_to_postgres');
  expect(await person.does(`tcp-inlet create --from ${port} --to postgres`)).toBe(`127.0.0.1:${port}`);
  const answer = await eventually(
    () => fetch(`http://127.0.0.1:${port}/`).then((each) => each.text()),
    (text) => text === 'seen: GET',
    10_000,
  );
  expect(answer).toBe('seen: GET');
  // A second time changes nothing.
  expect(await person.does('enroll')).toMatch(/^I[0-9a-f]{64}$/);
  expect(await person.does('message send hello --to /project/default/service/echo')).toBe('hello');
  await person.does('node delete --all -y');
  expect(await person.does('message send hello --to /project/default/service/echo')).toBe('hello');
  expect(await person.fails(`project create other -t 127.0.0.1:${project}`)).toContain(`${project}`);
});

test('N1, N2: a node is created, and shows what it is', async () => {
  await person.does('node create');
  await person.does('node create n');
  expect(await person.json('node show n')).toMatchObject({
    name: 'n',
    status: 'running',
    route: { short: '/node/n', verbose: expect.stringMatching(/^\/dnsaddr\/localhost\/tcp\/\d+$/) as string },
    services: expect.arrayContaining([expect.objectContaining({ addr: 'uppercase' })]) as unknown[],
    http_server_address: null,
  });
});
