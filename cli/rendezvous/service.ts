import { randomBytes, randomInt } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { createServer } from 'node:http';
import { CommandError, EXIT } from '../failure.ts';
import { answerTo, decodeAnswer, encodeRequest } from './messages.ts';

/** Source: docs/protocol.md, UDP: the client gives up after 3 s. */
export const ASK_MS = 3_000;
/** A datagram may be lost: it is said again. */
const AGAIN_MS = 500;
const NUMBERS = 65_536;
const PROBE_MS = 5_000;

export interface Service extends AsyncDisposable {
  /** HOST:PORT */
  readonly udp: string;
  /** HOST:PORT */
  readonly health: string;
}

interface Place {
  readonly host: string;
  readonly port: number;
}

function placeOf(text: string): Place {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

const textOf = ({ address, port }: Pick<RemoteInfo, 'address' | 'port'>) => `${address.includes(':') ? `[${address}]` : address}:${port}`;

/**
 * Says to whoever asks by UDP where it was asked from; and to whoever asks by HTTP, whether it does.
 * @throws {CommandError} when a port is taken
 * Source: command-line.md 5.18
 */
export async function startService({ udp, health }: { readonly udp: string; readonly health: string }): Promise<Service> {
  const socket = createSocket('udp4');
  let number = randomInt(NUMBERS);
  socket.on('message', (datagram, sender) => {
    const answer = answerTo(datagram, textOf(sender), (number = (number + 1) % NUMBERS));
    if (answer !== undefined) socket.send(answer, sender.port, sender.address, () => undefined);
  });
  await bound(socket, placeOf(udp));
  const at = socket.address();
  const own = `${at.address === '0.0.0.0' ? '127.0.0.1' : at.address}:${at.port}`;
  const server = createServer({ requestTimeout: PROBE_MS, headersTimeout: PROBE_MS, keepAliveTimeout: PROBE_MS }, (_, response) => {
    void askService(own, 'ping', ASK_MS).then(
      () => response.writeHead(200, { 'content-type': 'text/plain' }).end('Alive\n'),
      () => response.writeHead(503, { 'content-type': 'text/plain' }).end('The UDP service does not answer.\n'),
    );
  });
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await new Promise<void>((resolve) => socket.close(resolve));
  };
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) => reject(taken('HTTP', health, cause)));
      server.listen(placeOf(health), resolve);
    });
  } catch (thrown) {
    socket.close();
    throw thrown;
  }
  const probed = server.address() as { readonly address: string; readonly port: number };
  return { udp: textOf(at), health: textOf(probed), [Symbol.asyncDispose]: close };
}

const taken = (what: string, at: string, cause: Error) =>
  new CommandError(EXIT.failure, `The ${what} service cannot listen at ${at}.`, { cause, code: 'P409', help: 'Name another address.' });

function bound(socket: Socket, { host, port }: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', (cause) => reject(taken('UDP', `${host}:${port}`, cause)));
    socket.bind({ address: host, port }, () => {
      socket.removeAllListeners('error');
      // What one sender causes ends nothing for the others.
      socket.on('error', () => undefined);
      resolve();
    });
  });
}

/** Asks a service. @returns our own address as it sees it; undefined for a ping @throws {CommandError} when nobody answers */
export async function askService(server: string, kind: 'ping' | 'my-address', timeoutMs: number): Promise<string | undefined> {
  const { host, port } = placeOf(server);
  const socket = createSocket('udp4');
  const token = randomBytes(16).toString('hex');
  const request = encodeRequest(kind, token, randomInt(NUMBERS));
  const timers: NodeJS.Timeout[] = [];
  try {
    return await new Promise((resolve, reject) => {
      const fail = (cause?: Error) =>
        reject(
          new CommandError(EXIT.unavailable, `No rendezvous server answers at ${server}.`, {
            cause,
            help: 'Does one run there, and does UDP reach it?',
          }),
        );
      const send = () => socket.send(request, port, host, (error) => error && fail(error));
      socket.on('error', fail).on('message', (datagram) => {
        const answer = decodeAnswer(datagram, token);
        if (answer !== undefined) resolve(answer.address);
      });
      timers.push(setInterval(send, AGAIN_MS), setTimeout(fail, timeoutMs));
      send();
    });
  } finally {
    for (const timer of timers) clearInterval(timer);
    socket.close();
  }
}
