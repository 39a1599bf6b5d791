import { describe, expect, test } from 'vitest';
import { connected, say } from '../property-tests/two-hosts.ts';
import type { Tampering } from './faults.ts';
import { seededRandom } from './random.ts';

/** Says these words, one piece each, while one kind of tampering is under way for so many pieces. @returns what is heard */
async function heard(kind: Tampering, pieces: number, words: readonly string[], seed = 1) {
  const { clock, network, fromLeft, right } = await connected({ random: seededRandom(seed) });
  network.tamperNext('left', 'right', kind, pieces);
  for (const word of words) say(fromLeft, word);
  await clock.runUntilQuiet();
  return right;
}

const bitsThatDiffer = (one: string, other: string) =>
  Array.from(one, (character, index) => {
    const differing = (character.charCodeAt(0) ^ other.charCodeAt(index)).toString(2);
    return differing.split('1').length - 1;
  }).reduce((sum, count) => sum + count);

describe('the next so many pieces that way', () => {
  test('drop: are gone', async () => {
    expect((await heard('drop', 2, ['a', 'b', 'c'])).text).toBe('c');
  });

  test('duplicate: come twice', async () => {
    expect((await heard('duplicate', 2, ['a', 'b', 'c'])).text).toBe('aabbc');
  });

  test('reorder: come after the next', async () => {
    expect((await heard('reorder', 2, ['a', 'b', 'c', 'd', 'e', 'f'])).text).toBe('badcef');
    expect((await heard('reorder', 1, ['a'])).text).toBe('');
  });

  test('delay: come late, and what follows waits', async () => {
    const { text, events } = await heard('delay', 1, ['a', 'b']);
    expect(text).toBe('ab');
    const [firstMs = 0, secondMs = 0] = events.map((event) => Number(event.split(' ')[2]));
    expect(firstMs).toBeGreaterThan(30);
    expect(secondMs).toBe(firstMs);
  });

  test('corrupt: have flipped bits, always', async () => {
    for (let seed = 0; seed < 200; seed++) {
      const { text } = await heard('corrupt', 1, ['a', 'b'], seed);
      expect(text).toHaveLength(2);
      expect([1, 3, 5]).toContain(bitsThatDiffer(text, 'ab'));
      expect(text[1]).toBe('b');
    }
  });

  test('truncate: lack their end', async () => {
    const texts = new Set<string>();
    for (let seed = 0; seed < 50; seed++) texts.add((await heard('truncate', 1, ['abc', '!'], seed)).text);
    expect([...texts].sort()).toEqual(['!', 'a!', 'ab!']);
  });

  test('replay: are followed by an earlier one; where there is none, the next suffers', async () => {
    expect((await heard('replay', 1, ['a', 'b', 'c'])).text).toBe('abac');
  });

  test('splice: become those of another stream', async () => {
    const { clock, network, dial, fromLeft, right } = await connected();
    network.tamperNext('left', 'right', 'splice', 1);
    say(fromLeft, 'alone, ');
    const second = await clock.runUntil(dial());
    say(second, 'spliced');
    await clock.runUntilQuiet();
    expect(right.text).toBe('alone, alone, ');
    say(second, '!');
    await clock.runUntilQuiet();
    expect(right.text).toBe('alone, alone, !');
  });
});

describe('what passed before', () => {
  test('is replayed even after its stream is over, and then not spliced', async () => {
    const { clock, network, dial, fromLeft, fromRight, right } = await connected();
    say(fromLeft, 'old ');
    fromLeft.end();
    fromRight.end();
    await clock.runUntilQuiet();
    const second = await clock.runUntil(dial());
    network.tamperNext('left', 'right', 'splice', 1);
    say(second, 'new ');
    await clock.runUntilQuiet();
    expect(right.text).toBe('old new ');
    network.tamper('left', 'right', undefined);
    network.tamperNext('left', 'right', 'replay', 1);
    const third = await clock.runUntil(dial());
    say(third, '! ');
    await clock.runUntilQuiet();
    expect(right.text).toMatch(/^old new ! (old|new) $/);
  });

  test('is known to a tamper of one’s own, with its stream, as far as it is remembered', async () => {
    const { clock, network, fromLeft } = await connected();
    for (let index = 0; index < 40; index++) say(fromLeft, String(index));
    const seen: string[] = [];
    network.tamper('left', 'right', (bytes, context) => {
      seen.push(...context.seen.map(({ stream, isLive, bytes }) => `${stream} ${isLive} ${new TextDecoder().decode(bytes)}`));
      seen.push(`${context.stream} ${context.piece} ${context.from} ${context.to}`);
      return [bytes];
    });
    say(fromLeft, 'now');
    await clock.runUntilQuiet();
    expect(seen).toHaveLength(33);
    expect([seen[0], seen[31], seen[32]]).toEqual(['1 true 8', '1 true 39', '1 41 left right']);
    seen.length = 0;
    say(fromLeft, 'x'.repeat(65_535));
    say(fromLeft, '!');
    expect(seen.filter((text) => text.startsWith('1 true'))).toHaveLength(33); // all 32, then the long one alone
  });
});

test('kinds add up, end by themselves, and repeat for the same seed', async () => {
  const play = async (seed: number) => {
    const { clock, network, fromLeft, right } = await connected({ random: seededRandom(seed) });
    network.tamperNext('left', 'right', 'corrupt', 1);
    network.tamperNext('left', 'right', 'duplicate', 2);
    for (const word of ['aa', 'b', 'c']) say(fromLeft, word);
    await clock.runUntilQuiet();
    return right.text;
  };
  const text = await play(3);
  expect(text.slice(0, 2)).toBe(text.slice(2, 4));
  expect(text.slice(0, 2)).not.toBe('aa');
  expect(text.slice(4)).toBe('bbc');
  expect(await play(3)).toBe(text);
  expect(await play(4)).not.toBe(text);
});

test('the other direction does not suffer', async () => {
  const { clock, network, fromLeft, fromRight, left, right } = await connected();
  network.tamperNext('right', 'left', 'drop', 10);
  say(fromLeft, 'x');
  say(fromRight, 'y');
  await clock.runUntilQuiet();
  expect([left.text, right.text]).toEqual(['', 'x']);
});
