import type { Socket } from 'node:net';
import { Packr } from 'msgpackr';

/** A request holds a configuration at most, an answer a list: far less than this. Our own bound. */
const FRAME_BYTES_MAX = 16 * 1024 * 1024;
const LENGTH_BYTES = 4;

const packr = new Packr({ useRecords: false });

/** A value as MessagePack, after its length as 4 bytes, the largest first. */
export function encodeFrame(value: unknown): Buffer {
  const body = packr.pack(value);
  const head = Buffer.alloc(LENGTH_BYTES);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

/** Reads the one frame that an end sends; the socket stays open. @throws for a connection that ends before, and for what is no frame */
export function readFrame(socket: Socket): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < LENGTH_BYTES) return;
      const length = received.readUInt32BE();
      if (length > FRAME_BYTES_MAX) reject(new Error(`A frame of ${length} bytes is over the limit.`));
      else if (received.length >= LENGTH_BYTES + length) resolve(unpacked(received.subarray(LENGTH_BYTES, LENGTH_BYTES + length)));
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('The connection ended before an answer came.')));
  });
}

/** What throws rejects. */
const unpacked = (bytes: Buffer) => Promise.resolve().then(() => packr.unpack(bytes) as unknown);
