import { expect, test } from 'vitest';
import { connected, say, twoHosts } from '../property-tests/two-hosts.ts';
import type { NetworkObserver } from './medium.ts';

function noting(): { readonly events: string[]; readonly observer: NetworkObserver } {
  const events: string[] = [];
  return {
    events,
    observer: {
      onStream: ({ atMs, stream, from, to, port, what }) => events.push(`${atMs}: ${stream} ${from} -> ${to}:${port} ${what}`),
      onBytes: ({ atMs, stream, from, to, what, piece, count }, bytes) =>
        events.push(`${atMs}: ${stream} ${from} -> ${to} #${piece} ${what} ${count} ${new TextDecoder().decode(bytes)}`),
    },
  };
}

test('a stream is seen from its opening to its end, each piece twice', async () => {
  const { events, observer } = noting();
  const { clock, fromLeft, fromRight } = await connected({ observer });
  say(fromLeft, 'one');
  say(fromRight, 'two');
  fromLeft.end();
  fromRight.end();
  await clock.runUntilQuiet();
  expect(events).toEqual([
    '10: 1 left -> right:4000 opened',
    '20: 1 left -> right #1 sent 3 one',
    '20: 1 right -> left #2 sent 3 two',
    '30: 1 left -> right #1 arrived 3 one',
    '30: 1 right -> left #2 arrived 3 two',
    '30: 1 left -> right:4000 ended',
  ]);
});

test('a refusal and a reset are seen once', async () => {
  const { events, observer } = noting();
  const { clock, network, dial, at, fromLeft, fromRight } = await connected({ observer });
  await at.close();
  await expect(clock.runUntil(dial())).rejects.toThrow();
  fromLeft.reset();
  fromRight.reset();
  network.reset('left', 'right');
  await clock.runUntilQuiet();
  expect(events.slice(1)).toEqual(['30: 2 left -> right:4000 refused', '40: 1 left -> right:4000 reset']);
});

test('a listener that wants nobody is seen to reset', async () => {
  const { events, observer } = noting();
  const { clock, network, left } = await twoHosts({ observer });
  await network.host('right').listen({ host: 'right', port: 1 }, () => undefined);
  await clock.runUntil(network.host('left').connect({ host: 'right', port: 1 }, () => left.reader));
  expect(events).toEqual(['10: 1 left -> right:1 opened', '10: 1 left -> right:1 reset']);
});

test('what an adversary does is seen: sent as it was, arriving as it became', async () => {
  const { events, observer } = noting();
  const { clock, network, fromLeft } = await connected({ observer });
  events.length = 0;
  network.tamperNext('left', 'right', 'drop', 1);
  say(fromLeft, 'a');
  network.tamperNext('left', 'right', 'duplicate', 1);
  say(fromLeft, 'b');
  network.tamperNext('left', 'right', 'reorder', 1);
  say(fromLeft, 'c');
  say(fromLeft, 'd');
  await clock.runUntilQuiet();
  expect(events.map((text) => text.replace(/^.*#/, ''))).toEqual([
    '1 sent 1 a',
    '2 sent 1 b',
    '3 sent 1 c',
    '4 sent 1 d',
    '2 arrived 1 b',
    '2 arrived 1 b',
    '4 arrived 1 d',
    '3 arrived 1 c',
  ]);
});

test('datagrams from one port to another have a number of their own', async () => {
  const { events, observer } = noting();
  const { clock, network } = await connected({ observer });
  events.length = 0;
  const [left, right] = [network.host('left').datagrams(1), network.host('right').datagrams(2)];
  const send = (text: string) => left.send(right.local, new TextEncoder().encode(text));
  send('x');
  send('y');
  right.send(left.local, new TextEncoder().encode('z'));
  left.send({ host: 'right', port: 3 }, new TextEncoder().encode('lost'));
  await clock.runUntilQuiet();
  expect(events).toEqual([
    '20: 2 left -> right #1 sent 1 x',
    '20: 2 left -> right #2 sent 1 y',
    '20: 3 right -> left #3 sent 1 z',
    '20: 4 left -> right #4 sent 4 lost',
    '30: 2 left -> right #1 arrived 1 x',
    '30: 2 left -> right #2 arrived 1 y',
    '30: 3 right -> left #3 arrived 1 z',
  ]);
});
