import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../host/clock.ts';
import { systemRandom } from '../../host/random.ts';
import { createIdentity } from '../../identities/identity.ts';
import { MemoryIdentityRepository } from '../../identities/repository.ts';
import { silentLogger } from '../../runtime/logger.ts';
import { Node } from '../../runtime/node.ts';
import { PostgresServer } from '../../storage/conformance/worlds.ts';
import { openPostgresStore } from '../../storage/postgres.ts';
import { nodeNetwork } from '../../transports/node-network.ts';
import { decodeCredential } from '../../identities/credential.ts';
import { askAuthority, enroll } from './member.ts';
import { createProject, type Project } from './project.ts';
import { storedProjectState } from './state.ts';

const server = new PostgresServer();
const ending: (() => Promise<unknown>)[] = [];
beforeAll(() => server.start(), 60_000);
afterAll(() => server.stop());
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const ports = { clock: systemClock, random: systemRandom, network: nodeNetwork, logger: silentLogger };

/** A project process: a store of its own on the one server. */
async function start(url: string): Promise<Project> {
  const store = await openPostgresStore(url, { clock: systemClock, connectionsMax: 3 });
  ending.push(() => store.close());
  const project = await createProject({ state: storedProjectState(store), listen: '127.0.0.1:0', ports });
  ending.push(() => project.close());
  return project;
}

async function newcomer() {
  const node = new Node(ports);
  ending.push(() => node.stop());
  const cache = new MemoryIdentityRepository();
  return { node, cache, identity: await createIdentity({ ...ports, repository: cache }), timeoutMs: 10_000 };
}

/** The same ticket, to be redeemed at another process. */
const at = ({ information }: Project, ticket: string): string => {
  const json = JSON.parse(Buffer.from(ticket, 'hex').toString()) as { project: { authority_access_route: string | undefined } };
  json.project.authority_access_route = information.authorityAccessRoute;
  return Buffer.from(JSON.stringify(json)).toString('hex');
};

test('processes that share a PostgreSQL are one authority, also when they are started at once', { timeout: 60_000 }, async () => {
  const url = await server.emptyState();
  const projects = await Promise.all([start(url), start(url), start(url)]);
  const [first, second, third] = projects;
  for (const { id, identifier, authority } of projects)
    expect([id, identifier, authority.identifier]).toEqual([first.id, first.identifier, first.authority.identifier]);

  // A ticket of the first, for one, shown to all at once by nine newcomers.
  const ticket = await first.ticket({ attributes: { 'ockam-relay': 'bank' } });
  const contenders = await Promise.all(Array.from({ length: 9 }, newcomer));
  const outcomes = await Promise.allSettled(
    contenders.map(({ node, ...rest }, index) => enroll(node, { ...rest, ticket: at(projects[index % 3]!, ticket) })),
  );
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'API_REFUSED' });

  // Who joined at one is a member at the others; credentials are signed by one key, whoever issued them.
  const winner = contenders[outcomes.findIndex(({ status }) => status === 'fulfilled')]!;
  const { node, ...rest } = winner;
  const credentials = await Promise.all(
    projects.map(({ information }) => askAuthority(node, { ...rest, project: information }, (authority) => authority.credential())),
  );
  const keys = new Set(credentials.map((bytes) => JSON.stringify([...publicKeyIn(bytes)])));
  expect(keys.size).toBe(1);
  expect(second.name).toBe(third.name);

  // And the ticket of one is as void as that of another.
  await second.authority.membership.remove('host', winner.identity.identifier);
  await expect(askAuthority(node, { ...rest, project: third.information }, (authority) => authority.credential())).rejects.toMatchObject({
    code: 'API_REFUSED',
  });
});

function publicKeyIn(credential: Uint8Array): Uint8Array {
  const { key } = decodeCredential(credential).issuerKey;
  return key.purpose === 'credentials' ? key.publicKey.bytes : new Uint8Array();
}
