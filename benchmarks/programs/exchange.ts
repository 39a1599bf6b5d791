import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';

/** What one end of a connection sends. */
export interface ExchangeOrder {
  readonly bytes: number;
  /** Send only after everything of the other end came, its end included. */
  readonly afterEnd: boolean;
}

export interface Digests {
  readonly sent: string;
  readonly received: string;
  readonly receivedBytes: number;
}

const CHUNK = new Uint8Array(64 * 1024);

/** Sends random bytes and the end, receives up to the other end's end. @returns SHA-256 of both */
export async function exchange(socket: Socket, order: ExchangeOrder): Promise<Digests> {
  const hash = createHash('sha256');
  let receivedBytes = 0;
  socket.on('data', (bytes: Buffer) => {
    receivedBytes += bytes.length;
    hash.update(bytes);
  });
  const allReceived = once(socket, 'end');
  socket.resume();
  if (order.afterEnd) await allReceived;
  const [sent] = await Promise.all([send(socket, order.bytes), allReceived]);
  return { sent, received: hash.digest('hex'), receivedBytes };
}

async function send(socket: Socket, byteCount: number): Promise<string> {
  const random = createCipheriv('aes-256-ctr', randomBytes(32), randomBytes(16));
  const hash = createHash('sha256');
  for (let left = byteCount; left > 0; left -= CHUNK.length) {
    const chunk = random.update(left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK);
    hash.update(chunk);
    if (!socket.write(chunk)) await once(socket, 'drain');
  }
  socket.end();
  return hash.digest('hex');
}
