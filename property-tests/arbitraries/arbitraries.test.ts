import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat } from '../../runtime/codec/bare.ts';
import { decodeEnvelope } from '../../runtime/codec/envelope.ts';
import { shrunk } from '../shrunk.ts';
import { addresses, chunkings, frames, hostileBytes, localAddresses, payloads, routes, topologies } from './index.ts';

test('failures shrink to something readable', () => {
  expect(String(shrunk(localAddresses(), ({ name }) => /^[a-z]/.test(name)))).toBe('0#a');
  expect(String(shrunk(addresses(), ({ isLocal }) => !isLocal))).toBe('1#127.0.0.1:1');
  expect(shrunk(routes(), ({ length }) => length > 1)).toHaveLength(2);
  expect(Buffer.from(shrunk(frames(), () => true).bytes).toString('hex')).toBe('0000000483808040');
  expect(shrunk(payloads(), ({ length }) => length > 255)).toHaveLength(256);
  expect(shrunk(topologies(), ({ relays }) => relays.length > 0)).toEqual({
    nodes: ['node-0', 'node-1'],
    links: [{ dialer: 'node-0', listener: 'node-1' }],
    relays: [{ name: 'relay-0', at: 'node-1', owner: 'node-0' }],
  });
});

test('frames are genuine and hold what they say', () => {
  fc.assert(
    fc.property(frames(), ({ bytes, envelope, tracing }) => {
      expect(new DataView(bytes.buffer).getUint32(0)).toBe(bytes.length - 4);
      const decoded = decodeEnvelope(bytes.subarray(4));
      expect(decoded.onward.equals(envelope.onward)).toBe(true);
      expect(decoded.returnRoute.equals(envelope.returnRoute)).toBe(true);
      expect(decoded.payload).toEqual(envelope.payload);
      expect(bytes[4]).toBe(tracing === undefined ? 0x83 : 0x84);
    }),
  );
});

test('chunks put together are the bytes, and none is empty', () => {
  const chunked = payloads().chain((bytes) => fc.record({ bytes: fc.constant(bytes), chunks: chunkings(bytes) }));
  fc.assert(
    fc.property(chunked, ({ bytes, chunks }) => {
      expect(concat(...chunks)).toEqual(bytes);
      expect(chunks.every((chunk) => chunk.length > 0)).toBe(true);
    }),
  );
});

test('hostile bytes are rarely genuine', () => {
  const genuine = frames().map(({ bytes }) => bytes.subarray(4));
  const samples = fc.sample(hostileBytes({ genuine }), { seed: 1, numRuns: 500 });
  const decoded = samples.filter((bytes) => {
    try {
      decodeEnvelope(bytes);
      return true;
    } catch {
      return false;
    }
  });
  expect(decoded.length).toBeGreaterThan(0); // a changed payload is still an envelope
  expect(decoded.length).toBeLessThan(200);
});

test('every node of a topology can be reached, and relays lie on links', () => {
  fc.assert(
    fc.property(topologies(), ({ nodes, links, relays }) => {
      const reached = new Set(nodes.slice(0, 1));
      for (const _ of nodes) {
        for (const { dialer, listener } of links) {
          if (reached.has(dialer)) reached.add(listener);
          if (reached.has(listener)) reached.add(dialer);
        }
      }
      expect([...reached].sort()).toEqual([...nodes].sort());
      expect(links.every(({ dialer, listener }) => dialer !== listener && nodes.includes(dialer) && nodes.includes(listener))).toBe(true);
      for (const { at, owner } of relays) expect(links).toContainEqual({ dialer: owner, listener: at });
    }),
  );
});
