import { nodeCrypto } from '../../identities/node-crypto.ts';
import { identityForms } from '../../identities/stored-form.ts';
import { Secret } from '../../identities/secret.ts';
import type { Clock } from '../../runtime/clock.ts';
import { openSqliteStore, StoredAuthority, StoredHome, StoredIdentities, StoredKeys, type SqliteStore } from '../../storage/index.ts';

const forms = identityForms(nodeCrypto);
const text = new TextEncoder();
const hash = (...parts: readonly (string | number)[]) => Buffer.from(nodeCrypto.sha256(text.encode(parts.join(' ')))).toString('hex');
const identifier = (writer: string, number: number) => `I${hash('identifier', writer, number)}` as const;

export const openState = (file: string, clock: Clock): Promise<SqliteStore> => openSqliteStore(file, { clock });

/** The kinds of writes in turn; each spans more than one row where its kind allows it. */
const KINDS = 8;
/** One write in so many takes back what the one of its kind before had stored. */
const REMOVAL_EVERY = 3;

const isRemoval = (number: number) => Math.floor(number / KINDS) % REMOVAL_EVERY === REMOVAL_EVERY - 1;

/** Creates, updates and deletes, mixed: the write of this number, of one writer. */
export async function writeNumbered(store: SqliteStore, writer: string, number: number): Promise<void> {
  const before = number - KINDS;
  const authority = new StoredAuthority(store);
  switch (number % KINDS) {
    case 0: {
      const keys = new StoredKeys(store, forms);
      if (isRemoval(number)) await keys.delete(hash(writer, before));
      else await keys.put(hash(writer, number), new Secret('ed25519', nodeCrypto.sha256(text.encode(`${writer} ${number}`))));
      return;
    }
    case 1:
      return authority.transact(async ({ members }) => {
        if (isRemoval(number)) await members.remove(identifier(writer, before));
        else
          await members.put({
            identifier: identifier(writer, number),
            attributes: new Map([
              ['writer', writer],
              ['number', String(number)],
            ]),
            addedBy: identifier(writer, 0),
            addedAt: number,
            isPreTrusted: false,
          });
      });
    case 2:
      return authority.transact(async ({ tokens }) => {
        if (isRemoval(number)) await tokens.use(hash(writer, before), 0);
        else
          await tokens.add({
            codeHash: hash(writer, number),
            reference: `${writer}-${number}`,
            issuedBy: identifier(writer, 0),
            createdAt: 0,
            expiresAt: 1_000,
            usesLeft: 1,
            attributes: new Map([['number', String(number)]]),
          });
      });
    case 3:
      return authority.transact(async ({ revocations }) => {
        await revocations.noteIssued(identifier(writer, 0), number);
        await revocations.add({ revoked: { kind: 'credential', hash: hash(writer, number) }, notAfter: number, keptUntil: 10 ** 6 });
      });
    case 4:
      await writeNode(new StoredHome(store), nodeName(writer, isRemoval(number) ? before : number), number);
      return;
    case 5: {
      const { resources } = new StoredHome(store);
      if (isRemoval(number)) await resources.remove(writer, 'tcp-inlet', String(before));
      else await resources.store({ node: writer, kind: 'tcp-inlet', name: String(number), settings: { number } });
      return;
    }
    case 6: {
      const policies = new StoredHome(store).policies(writer);
      if (isRemoval(number)) await policies.remove({ name: String(before) }, 'handle_message');
      else
        await policies.store({ selector: { name: String(number) }, action: 'handle_message', expression: `(= subject.number ${number})` });
      return;
    }
    default:
      return new StoredIdentities(store, forms).cacheCredential({
        subject: identifier(writer, 0),
        issuer: identifier(writer, isRemoval(number) ? before : number),
        scope: writer,
        expiresAt: 1 + number,
        credential: text.encode(String(number).repeat(50)),
      });
  }
}

const nodeName = (writer: string, number: number) => `${writer}-${number}`;

/** Makes a node, or removes it; either spans several tables. */
async function writeNode(home: StoredHome, name: string, number: number): Promise<void> {
  if (isRemoval(number)) {
    await home.nodes.remove(name);
    return;
  }
  await home.nodes.change(name, () => ({ settings: { number }, state: { number } }), { forgetsResources: true });
}

/**
 * Looks at all that the writes up to `count` of a writer should have left, and that nothing of a later write is there in part.
 * @param isExact false: the write after them may be there too
 * @returns what is wrong
 */
export async function faultOfWrites(store: SqliteStore, writer: string, count: number, isExact: boolean): Promise<string | undefined> {
  const mayBe = isExact ? count : count + 1;
  const state = await readState(store, writer);
  for (const least of [count, mayBe]) if (JSON.stringify(state) === JSON.stringify(expectedState(writer, least))) return undefined;
  return `after ${count} writes of ${writer} there is ${JSON.stringify(state).slice(0, 300)}, not ${JSON.stringify(expectedState(writer, count)).slice(0, 300)}`;
}

interface State {
  readonly keys: readonly string[];
  readonly members: readonly string[];
  readonly tokens: readonly string[];
  readonly revocations: readonly string[];
  readonly nodes: readonly string[];
  readonly resources: readonly string[];
  readonly policies: readonly string[];
  readonly credentials: readonly string[];
}

function expectedState(writer: string, count: number): State {
  const of = (kind: number) => Array.from({ length: count }, (_, number) => number).filter((number) => number % KINDS === kind);
  const left = (kind: number) => {
    const there = new Set<number>();
    for (const number of of(kind)) {
      if (isRemoval(number)) there.delete(number - KINDS);
      else there.add(number);
    }
    return [...there];
  };
  const credentials = new Map<string, string>();
  for (const number of of(KINDS - 1))
    credentials.set(identifier(writer, isRemoval(number) ? number - KINDS : number), `${1 + number} ${String(number).repeat(50)}`);
  return {
    keys: left(0)
      .map((number) => `${hash(writer, number)} ${Buffer.from(nodeCrypto.sha256(text.encode(`${writer} ${number}`))).toString('hex')}`)
      .sort(),
    members: left(1)
      .map((number) => `${identifier(writer, number)} ${number} ${number}`)
      .sort(),
    tokens: left(2)
      .map((number) => `${hash(writer, number)} ${number}`)
      .sort(),
    revocations: of(3)
      .map((number) => `${hash(writer, number)} ${number}`)
      .sort(),
    nodes: left(4)
      .map((number) => `${nodeName(writer, number)} ${JSON.stringify([{ number }, { number }])}`)
      .sort(),
    resources: left(5)
      .map((number) => `${number} ${JSON.stringify({ number })}`)
      .sort(),
    policies: left(6)
      .map((number) => `${number} (= subject.number ${number})`)
      .sort(),
    credentials: [...credentials].map((entry) => entry.join(' ')).sort(),
  };
}

async function readState(store: SqliteStore, writer: string): Promise<State> {
  const own = identifier(writer, 0);
  const authority = await new StoredAuthority(store).transact(async ({ members, tokens, revocations }) => ({
    members: (await members.addedBy(own)).map((row) => `${row.identifier} ${row.addedAt} ${row.attributes.get('number')}`),
    tokens: (await tokens.open(0))
      .filter(({ issuedBy }) => issuedBy === own)
      .map((row) => `${row.codeHash} ${row.attributes.get('number')}`),
    revocations: await revocations.after(0, 10 ** 6),
  }));
  const home = new StoredHome(store);
  const [nodes, resources, policies] = [await home.nodes.list(), await home.resources.of(writer), await home.policies(writer).all()];
  // Of codes and revocations all writers share one table: a writer's own are known by the numbers it could have written.
  const hashes = new Map(Array.from({ length: 5_000 }, (_, number) => [hash(writer, number), number]));
  const rows = await store.read(async (database) => ({
    keys: await database.selectFrom('vault_keys').select(['handle', 'secret']).execute(),
    credentials: await database.selectFrom('credentials').selectAll().where('scope', '=', writer).execute(),
  }));
  return {
    keys: rows.keys
      .filter(({ handle }) => hashes.has(handle))
      .map(({ handle, secret }) => `${handle} ${Buffer.from(secret).toString('hex')}`)
      .sort(),
    members: authority.members.toSorted(),
    tokens: authority.tokens.sort(),
    revocations: authority.revocations
      .flatMap(({ revoked, notAfter }) =>
        revoked.kind === 'credential' && hashes.has(revoked.hash) ? [`${revoked.hash} ${notAfter}`] : [],
      )
      .sort(),
    nodes: nodes
      .filter(({ name }) => name.startsWith(`${writer}-`))
      .map(({ name, settings, state }) => `${name} ${JSON.stringify([settings, state])}`)
      .sort(),
    resources: resources.map(({ name, settings }) => `${name} ${JSON.stringify(settings)}`).sort(),
    policies: policies.map(({ selector, expression }) => `${'name' in selector ? selector.name : ''} ${expression}`).sort(),
    credentials: rows.credentials
      .map(({ issuer, expires_at, credential }) => `${issuer} ${expires_at} ${Buffer.from(credential).toString()}`)
      .sort(),
  };
}
