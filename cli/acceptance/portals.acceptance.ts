import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually, freePort, Person } from './world.ts';

let person: Person;
beforeEach(async () => {
  person = await Person.create();
});
afterEach(() => person[Symbol.asyncDispose]());

const MEGABYTE = 1_000_000;

/** One request on a connection of its own. @throws when no answer came in time */
function asks(at: string, { method = 'GET', timeoutMs = 10_000 } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(`http://${at}/`, { method, agent: false, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      let body = `${response.statusCode ?? 0} `;
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body += text));
      response.on('end', () => resolve(body));
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

const answers = (at: string, withinMs = 10_000) =>
  eventually(
    () => asks(at, { timeoutMs: 3_000 }),
    (said) => said === '200 hello',
    withinMs,
  );
const hello = () => person.serve((_request, response) => response.end('hello'));
const loopback = async () => `127.0.0.1:${await freePort()}`;

/** A server of plain TCP. @returns HOST:PORT */
async function serveTcp(accept: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
    accept(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  person.atEnd(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function dial(at: string): Socket {
  const [host, port] = at.split(':');
  const socket = connect({ host: host ?? '', port: Number(port), allowHalfOpen: true });
  socket.on('error', () => undefined);
  person.atEnd(() => Promise.resolve(socket.destroy()));
  return socket;
}

/** All that comes until the other end is done. @throws when it is reset */
async function all(socket: Socket): Promise<string> {
  let text = '';
  for await (const bytes of socket) text += String(bytes);
  return text;
}

test('P1, P2: an outlet makes its node, and is called outlet while that is free', async () => {
  const server = await hello();
  expect(await person.does(`tcp-outlet create --to ${server} --from test-outlet`)).toBe('/service/test-outlet');
  expect(await person.json('node list')).toMatchObject([{ is_default: true, status: { status: 'running' } }]);
  expect(await person.does(`tcp-outlet create --to ${server}`)).toBe('/service/outlet');
  const next = await person.does(`tcp-outlet create --to ${server}`);
  expect(next).toMatch(/^\/service\/[a-z]+-[a-z]+$/);
  expect((await person.try(`tcp-outlet create --to ${server} --tls`)).code).toBe(64);
});

test('P3, P5, P7, P15, P16: inlets are made before what they lead to, each with its name and its port', async () => {
  await person.does('node create n1');
  const [one, port] = [await loopback(), await freePort()];
  const to = '--to /node/n1/service/none --at n1';
  expect(await person.does(`tcp-inlet create --from ${one} --alias one ${to}`)).toBe(one);
  expect(await person.does(`tcp-inlet create --from ${port} ${to}`)).toBe(`127.0.0.1:${port}`);
  expect(await person.json('tcp-inlet show one')).toMatchObject({
    alias: 'one',
    bind_addr: one,
    worker_addr: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
    payload: null,
    outlet_addr: '/node/n1/service/none',
  });
  expect(await person.does('tcp-inlet list')).toContain(`127.0.0.1:${port}`);
  expect(await person.fails(`tcp-inlet create --alias one ${to}`)).toContain('one');
  expect(await person.fails(`tcp-inlet create --from ${one} ${to}`)).toContain(one);
  expect(await person.fails('tcp-inlet show two')).toContain('not found');
  expect(await person.json('tcp-inlet delete one -y')).toEqual({ alias: 'one', node: 'n1' });
  expect(await person.fails('tcp-inlet delete one -y')).toContain('not found');
  expect(await person.json('tcp-inlet delete --all -y')).toHaveLength(1);
  expect(await person.does('tcp-inlet delete one -y')).toBe('[]');
  for (const bad of [
    '--to alice/relay',
    '--to /service/x/nowhere/y',
    '--to /node/n1/service/outlet --via relay',
    '--tls',
    '--udp',
    '--alias a:b',
  ])
    expect(await person.try(`tcp-inlet create ${bad}`)).toMatchObject({ code: bad.includes('alice') ? 77 : 64, stdout: '' });
});

test('P4, P6, P8, P14: outlets are shown, listed and deleted', async () => {
  await person.does('node create n1');
  const [server, other] = [await loopback(), await loopback()];
  expect(await person.json(`tcp-outlet create --to ${server}`)).toEqual({ to: server, worker_addr: 'outlet', payload: null });
  expect(await person.json('tcp-outlet show outlet')).toEqual({ node_name: 'n1', worker_address: '/service/outlet', to: server });
  expect(await person.json('tcp-outlet list')).toEqual([{ from: '/service/outlet', to: server }]);
  expect(await person.fails('tcp-outlet show none')).toContain('not found');
  expect(await person.fails(`tcp-outlet create --from outlet --to ${other}`)).toContain('outlet');
  expect(await person.json('tcp-outlet delete /service/outlet -y')).toEqual({ alias: 'outlet', node: 'n1' });
  expect(await person.does('tcp-outlet delete outlet -y')).toBe('[]');
});

test('P9, P10, P11: requests, a download and an upload of 50 MB go through', async () => {
  const body = Buffer.alloc(50 * MEGABYTE, 'postern');
  const server = await person.serve((asked, response) => {
    let count = 0;
    asked.on('data', (bytes: Buffer) => (count += bytes.length));
    asked.on('end', () => (asked.method === 'POST' ? response.end(String(count)) : response.end(body)));
  });
  for (const node of ['n1', 'n2']) await person.does(`node create ${node}`);
  await person.does(`tcp-outlet create --at n1 --to ${server}`);
  const at = await person.does('tcp-inlet create --at n2 --to /node/n1/secure/api/service/outlet');
  expect(await asks(at, { method: 'HEAD' })).toBe('200 ');
  const started = performance.now();
  const downloaded = await fetch(`http://${at}/`).then((response) => response.arrayBuffer());
  expect(Buffer.from(downloaded).equals(body)).toBe(true);
  expect(performance.now() - started).toBeLessThan(20_000);
  const form = new FormData();
  form.append('file', new Blob([body]), 'file');
  const begun = performance.now();
  const counted = await fetch(`http://${at}/`, { method: 'POST', body: form }).then((response) => response.text());
  expect(Number(counted)).toBeGreaterThan(body.length);
  expect(performance.now() - begun).toBeLessThan(20_000);
});

test('P12: a portal to a public name is made without a network', async () => {
  await person.does('node create n1');
  expect(await person.does('tcp-outlet create --to public.example:443')).toBe('/service/outlet');
  const { code, stdout } = await person.try('tcp-inlet create --at n1 --to /node/n1/secure/api/service/outlet');
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string });
});

test('P13, P24: a channel through a relay is piped into an inlet', async () => {
  const server = await hello();
  for (const node of ['relay', 'blue', 'green']) await person.does(`node create ${node}`);
  await person.does(`tcp-outlet create --at /node/blue --from /service/outlet --to ${server}`);
  const relay = await person.does('relay create blue --at /node/relay --to /node/blue');
  expect(relay).toContain('forward_to_blue');
  const channel = await person.does('secure-channel create --from /node/green --to /node/relay/-/service/api', { stdin: relay });
  const at = await person.does('tcp-inlet create --at /node/green --to -/service/outlet', { stdin: channel });
  expect(await answers(at)).toBe('200 hello');
  expect(await person.json('secure-channel list --at green')).toMatchObject([{ at: channel }]);
  expect(channel).toMatch(/^\/service\/[0-9a-f]{32}$/);
});

test('P17: an inlet serves again after the other node was killed and made anew', async () => {
  const [server, blue] = [await hello(), await loopback()];
  await person.does('node create green');
  const makeBlue = async () => {
    await person.does(`node create blue -t ${blue}`);
    await person.does(`tcp-outlet create --at blue --to ${server}`);
  };
  await makeBlue();
  const at = await person.does('tcp-inlet create --at green --to /node/blue/secure/api/service/outlet');
  expect(await answers(at)).toBe('200 hello');
  const { pid } = (await person.json('node show blue')) as { readonly pid: number };
  process.kill(pid, 'SIGKILL');
  await eventually(
    () => person.json('tcp-inlet list --at green'),
    (inlets) => (inlets as { readonly status: string }[])[0]?.status === 'Down',
    10_000,
  );
  await expect(asks(at, { timeoutMs: 3_000 })).rejects.toThrow();
  await makeBlue();
  expect(await answers(at, 65_000)).toBe('200 hello');
});

test('P18: an inlet works once the node and the outlet that it was made for are there; until then its port refuses', async () => {
  const [server, at] = [await hello(), await loopback()];
  await person.does('node create green');
  await person.does(`tcp-inlet create --no-connection-wait --from ${at} --to /node/blue/secure/api/service/outlet`);
  await expect(asks(at)).rejects.toThrow('ECONNREFUSED');
  expect(await person.json('tcp-inlet list')).toMatchObject([{ status: 'Down', bind_addr: at }]);
  await person.does('node create blue');
  await person.does(`tcp-outlet create --at blue --to ${server}`);
  expect(await answers(at, 15_000)).toBe('200 hello');
});

describe('with an authority', () => {
  /** Sends slowly, and counts what comes. */
  async function slowServer() {
    let count = 0;
    const address = await serveTcp((socket) => {
      const timer = setInterval(() => socket.write(Buffer.alloc(MEGABYTE / 4)), 50);
      socket.on('close', () => clearInterval(timer));
      socket.on('data', (bytes) => (count += bytes.length));
    });
    return { address, received: () => count };
  }

  async function issued(subject: string, node: string, ttl: string): Promise<void> {
    const issuer = await person.does('identity show authority');
    const credential = await person.does(`credential issue --as authority --for ${subject} --encoding hex --ttl ${ttl}`);
    await person.does(`credential store --issuer ${issuer} --credential ${credential} --scope s --at ${node}`);
  }

  test.each([
    ['P19, P20: the inlet', '8s', '30m'],
    ['P21, P22: the outlet', '30m', '8s'],
  ])('%s’s side presented a credential that ends: a download and an upload are cut, and no other begins', async (_, ofInlet, ofOutlet) => {
    const { address, received } = await slowServer();
    await person.does('identity create authority');
    const history = await person.does('identity show authority --full --encoding hex');
    for (const node of ['inlet', 'outlet']) {
      await person.does(`identity create of-${node}`);
      await person.does(`node create ${node} --identity of-${node} --authority-identity ${history} --credential-scope s`);
    }
    await person.does(`tcp-outlet create --at outlet --to ${address}`);
    await issued(await person.does('identity show of-inlet'), 'inlet', ofInlet);
    await issued(await person.does('identity show of-outlet'), 'outlet', ofOutlet);
    const at = await person.does('tcp-inlet create --at inlet --to /node/outlet/secure/api/service/outlet');
    const started = performance.now();
    let count = 0;
    const socket = dial(at).on('data', (bytes) => (count += bytes.length));
    const closed = new Promise<boolean>((resolve) => socket.once('close', resolve));
    const sending = setInterval(() => socket.write(Buffer.alloc(MEGABYTE / 4)), 50);
    await closed;
    clearInterval(sending);
    expect(performance.now() - started).toBeLessThan(14_000);
    expect(count).toBeGreaterThan(0);
    expect(received()).toBeGreaterThan(0);
    const before = received();
    const again = dial(at);
    const heard = new Promise((resolve) => again.once('data', () => resolve('data')));
    again.write('again');
    expect(await Promise.race([heard, pause(3_000, 'nothing')])).toBe('nothing');
    expect(received()).toBe(before);
  });
});

test('P23: an outlet answers only whom its policy names', async () => {
  const server = await hello();
  for (const name of ['alice', 'bob', 'carol']) await person.does(`identity create ${name}`);
  const bob = await person.does('identity show bob');
  await person.does('node create n1 --identity alice');
  await person.does('node create n2 --identity carol');
  await person.does(['tcp-outlet', 'create', '--at', 'n1', '--to', server, '--allow', `(= subject.identifier "${bob}")`]);
  const made = (to: string) => person.does(`tcp-inlet create --at n2 --to ${to}`);
  const plain = await made('/node/n1/service/outlet');
  const carols = await made('/node/n1/secure/api/service/outlet');
  const bobs = await made('/node/n1/secure/api/service/outlet --identity bob');
  expect(await answers(bobs)).toBe('200 hello');
  for (const at of [plain, carols]) await expect(asks(at, { timeoutMs: 2_000 })).rejects.toThrow(/abort|timeout/i);
});

test('P25: a portal goes through a connection, a hop and a relay', async () => {
  const [server, relay] = [await hello(), await loopback()];
  await person.does(`node create relay -t ${relay}`);
  for (const node of ['blue', 'green']) await person.does(`node create ${node}`);
  await person.does('service start hop --at relay');
  await person.does(`tcp-outlet create --at blue --to ${server}`);
  await person.does('relay create blue --at relay --to blue');
  const connection = await person.does(`tcp-connection create --from green --to ${relay}`);
  const route = `${connection}/service/hop/service/forward_to_blue`;
  const at = await person.does(`tcp-inlet create --at green --to ${route}/service/outlet`);
  expect(await answers(at)).toBe('200 hello');
  const inside = await person.does(`tcp-inlet create --at green --to ${route}/secure/api/service/outlet`);
  expect(await answers(inside)).toBe('200 hello');
});

test('P26: ends, crowds, a client that stops reading and a server that resets leave nothing behind', async () => {
  const flood = Buffer.alloc(MEGABYTE);
  const server = await serveTcp((socket) => {
    const onText = (bytes: Buffer) => {
      const [first] = String(bytes);
      if (first === 'r') socket.resetAndDestroy();
      else if (first === 'f') {
        const more = () => {
          while (!socket.destroyed && socket.write(flood));
        };
        socket.on('drain', more);
        more();
      } else if (first === 'e') socket.end('bye');
      else {
        socket.write(bytes);
        socket.on('data', (rest) => socket.write(rest));
      }
    };
    socket.once('data', onText);
    socket.on('end', () => socket.end('done'));
  });
  for (const node of ['n1', 'n2']) await person.does(`node create ${node}`);
  await person.does(`tcp-outlet create --at n1 --to ${server}`);
  const at = await person.does('tcp-inlet create --at n2 --to /node/n1/secure/api/service/outlet');
  const one = async (text: string) => {
    const socket = dial(at);
    const heard = all(socket);
    socket.end(text);
    return heard;
  };
  // The client is done first, and still hears the rest.
  expect(await one('hello')).toBe('hellodone');
  const workers = async () => {
    const lists = [await person.json('worker list --at n1'), await person.json('worker list --at n2')] as unknown[][];
    return lists.map((list) => list.length);
  };
  const before = await eventually(workers, (counts) => counts.length === 2, 5_000);
  const memory = await bytesOf(['n1', 'n2']);

  // The server is done first, and still hears the rest: the client's end is what closes it.
  const other = dial(at);
  other.write('e');
  expect(await new Promise((resolve) => other.once('data', (bytes) => resolve(String(bytes))))).toBe('bye');
  await new Promise((resolve) => (other.readableEnded ? resolve(undefined) : other.once('end', resolve)));
  other.write('more');
  other.end();
  await new Promise((resolve) => other.once('close', resolve));

  for (let count = 0; count < 1_000; count++) expect(await one(`${count}`)).toBe(`${count}done`);
  const crowd = Array.from({ length: 100 }, (_, index) => one(`x${index}`));
  expect(await Promise.all(crowd)).toEqual(crowd.map((_, index) => `x${index}done`));

  const reset = dial(at);
  const failed = new Promise((resolve) => reset.once('error', resolve));
  reset.write('r');
  expect(await failed).toMatchObject({ code: 'ECONNRESET' });

  const stalled = dial(at).pause();
  stalled.write('f');
  await pause(2_000);
  expect(await one('others go on')).toBe('others go ondone');
  for (const [index, bytes] of (await bytesOf(['n1', 'n2'])).entries()) expect(bytes - (memory[index] ?? 0)).toBeLessThan(100 * MEGABYTE);
  stalled.destroy();
  await eventually(workers, (counts) => counts.every((count, index) => count <= (before[index] ?? 0)), 20_000);
});

/** What the processes of nodes have in memory. */
async function bytesOf(nodes: readonly string[]): Promise<number[]> {
  const found: number[] = [];
  for (const node of nodes) {
    const { pid } = (await person.json(`node show ${node}`)) as { readonly pid: number };
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    found.push(1_024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0));
  }
  return found;
}
