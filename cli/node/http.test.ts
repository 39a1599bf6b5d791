import { expect, test } from 'vitest';
import { httpServer } from './http.ts';

const health = { health: () => ({ status: 'ok' }) as const };

test.each([
  ['127.0.0.1:0', 200],
  ['0.0.0.0:0', 404],
])('what a node holds is shown on this machine only: %s', async (at, status) => {
  const server = await httpServer(at, health, () => Promise.resolve({ name: 'n' }));
  try {
    const base = `http://127.0.0.1:${server.address.replace(/^.*:/, '')}`;
    expect((await fetch(`${base}/show`)).status).toBe(status);
    expect((await fetch(`${base}/health`)).status).toBe(200);
    expect((await fetch(`${base}/`, { method: 'HEAD' })).status).toBe(200);
  } finally {
    await server.close();
  }
});
