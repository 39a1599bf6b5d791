import { expect, test } from 'vitest';
import { SimulatedClock } from '../../simulation/clock.ts';
import { ReadTurns } from './read-turns.ts';

/** A stream whose socket always has a full chunk, and notes each that it reads. */
function busy(turns: ReadTurns, name: string, order: string[]) {
  let isWaiting = false;
  const reading = {
    waitForTurn: () => {
      isWaiting = true;
    },
    goOn: () => {
      isWaiting = false;
    },
    /** As often as it may, at most so many times. */
    read: (chunks: number) => {
      for (let count = 0; count < chunks && !isWaiting; count++) {
        order.push(name);
        turns.served(reading);
      }
    },
  };
  return reading;
}

test('while several are busy, none reads a second chunk before the others had their turn', () => {
  const clock = new SimulatedClock();
  const turns = new ReadTurns(clock);
  const order: string[] = [];
  const streams = ['a', 'b', 'c'].map((name) => busy(turns, name, order));
  for (let turn = 0; turn < 4; turn++) {
    for (const stream of streams) stream.read(5);
    clock.advance(0);
  }
  // Who was alone at first did not know of the others yet.
  expect(order.join('')).toBe('aaaaabcabcabcabc');
});

test('one alone never waits, and waits no more when it is alone again', () => {
  const clock = new SimulatedClock();
  const turns = new ReadTurns(clock);
  const order: string[] = [];
  const [one, other] = ['a', 'b'].map((name) => busy(turns, name, order)) as [ReturnType<typeof busy>, ReturnType<typeof busy>];
  one.read(3);
  clock.advance(0);
  one.read(3);
  other.read(1);
  for (let turn = 0; turn < 3; turn++) {
    clock.advance(0);
    one.read(3);
  }
  expect(order.join('')).toBe('aaaaaabaaaaaaa');
});
