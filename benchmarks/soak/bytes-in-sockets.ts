import { readFile } from 'node:fs/promises';

/**
 * Bytes that lie in the sending and receiving buffers of the connections that have all of these ports, at both of their ends.
 * Only Linux tells.
 */
export async function bytesInSockets(ports: readonly number[]): Promise<number> {
  const wanted = ports.map((port) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`);
  const [, ...lines] = (await readFile('/proc/net/tcp', 'utf8')).trimEnd().split('\n');
  let bytes = 0;
  for (const line of lines) {
    const [, local, remote, , queues] = line.trim().split(/\s+/);
    if (local === undefined || remote === undefined || queues === undefined) continue;
    if (!wanted.every((port) => local.endsWith(port) || remote.endsWith(port))) continue;
    const [sending, receiving] = queues.split(':');
    bytes += Number.parseInt(sending ?? '0', 16) + Number.parseInt(receiving ?? '0', 16);
  }
  return bytes;
}
