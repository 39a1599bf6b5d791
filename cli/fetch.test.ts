import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { fetchedText, urlIn } from './fetch.ts';

test('a URL has a scheme, or begins with HOST:PORT/', () => {
  expect(urlIn('https://example.com/x')?.href).toBe('https://example.com/x');
  expect(urlIn('example.com:8080/x')?.href).toBe('https://example.com:8080/x');
  expect(urlIn('127.0.0.1:8080/x')?.href).toBe('http://127.0.0.1:8080/x');
  expect(urlIn('[::1]:8080/x')?.href).toBe('http://[::1]:8080/x');
  for (const none of ['', 'n1', 'dir/file.yaml', './a:1/b', '/tmp/a', 'C:/x', 'a:b/c', '127.0.0.1:80']) expect(urlIn(none)).toBeUndefined();
});

test('http is for this machine only, what is too long or missing is refused, and redirects have an end', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/long') response.end('x'.repeat(101));
    else if (request.url === '/text') response.end('text');
    else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
    else if (request.url === '/away') response.writeHead(302, { location: 'http://192.0.2.1/text' }).end();
    else if (request.url === '/on') response.writeHead(302, { location: '/text' }).end();
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = (path: string) =>
    fetchedText(new URL(path, `http://127.0.0.1:${(server.address() as AddressInfo).port}`), { what: 'ticket', bytesMax: 100 });
  expect(await at('/text')).toBe('text');
  expect(await at('/on')).toBe('text');
  await expect(at('/long')).rejects.toMatchObject({ exitCode: 65 });
  await expect(at('/none')).rejects.toMatchObject({ exitCode: 66 });
  await expect(at('/loop')).rejects.toMatchObject({ exitCode: 69 });
  await expect(at('/away')).rejects.toMatchObject({ exitCode: 64 });
  await expect(fetchedText(new URL('http://example.com/'), { what: 'ticket', bytesMax: 100 })).rejects.toMatchObject({ exitCode: 64 });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
