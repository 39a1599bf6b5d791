import { expect, test } from 'vitest';
import { smallNode } from '../../property-tests/node-watch.ts';
import { concat } from '../../runtime/codec/bare.ts';
import { route } from '../../runtime/route.ts';
import { Encryptor } from './encryptor.ts';
import type { FrameSealer } from './frame-sealer.ts';

test('no nonce is spent on what there is no room for, however long the way to the other end is', async () => {
  const { node, clock, watch } = smallNode({ limits: { ingress: { messages: 1_000, bytes: 10_000 } } });
  let sealed = 0;
  const sealer = {
    seal: (plaintext: readonly Uint8Array[]) => {
      sealed += 1;
      return [concat(...plaintext)];
    },
  };
  const way = route('far', ...Array.from({ length: 30 }, () => 'x'.repeat(255)));
  node.start('far', { onMessage: () => new Promise<void>(() => undefined) });
  node.start('encryptor', new Encryptor(sealer as unknown as FrameSealer, way, () => expect.unreachable('it seals')));
  let arrived = 0;
  node.trace(({ kind, message }) => {
    if (kind === 'sent' && message.destination.name === 'far') arrived += 1;
  });
  for (let index = 0; index < 100; index++) void node.send(route('encryptor', 'echo'), new Uint8Array(8));
  await clock.run({ untilMs: 100 });
  expect(arrived).toBeGreaterThan(5);
  expect([sealed, node.deadLetters.count()]).toEqual([arrived, 100 - arrived]);
  await clock.runUntil(node.stop());
  expect(watch.faults).toEqual([]);
});
