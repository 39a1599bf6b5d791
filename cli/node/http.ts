import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Manager } from 'postern/manager';

/** A probe asks one thing and goes. */
const REQUEST_MS = 5_000;

export interface HttpServer {
  /** HOST:PORT */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * What probes of containers ask. Source: command-line.md 4.5
 * @param show the node as JSON
 */
export async function httpServer(at: string, manager: Pick<Manager, 'health'>, show: () => Promise<unknown>): Promise<HttpServer> {
  const colon = at.lastIndexOf(':');
  const host = at.slice(0, colon).replace(/^\[|\]$/g, '');
  // Whoever else can dial it learns whether the node is well, and nothing of what it holds. Source: decisions.md D8
  const isOfThisMachine = host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);
  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, keepAliveTimeout: REQUEST_MS },
    (request, response) => {
      void answer(`${request.method ?? ''} ${request.url ?? ''}`)
        .then(({ status, body }) => {
          const text = body === undefined ? '' : JSON.stringify(body);
          response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
        })
        .catch(() => response.destroy());
    },
  );
  const answer = async (asked: string): Promise<{ readonly status: number; readonly body?: unknown }> => {
    if (asked === 'HEAD /') return { status: 200 };
    if (asked === 'GET /show' && isOfThisMachine) return { status: 200, body: await show() };
    if (asked !== 'GET /health') return { status: 404 };
    const health = manager.health();
    return { status: health.status === 'ok' ? 200 : 503, body: health };
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port: Number(at.slice(colon + 1)) }, resolve);
  });
  return { address: addressOf(server), close: () => closed(server) };
}

function addressOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
