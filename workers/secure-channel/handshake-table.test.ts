import { expect, test } from 'vitest';
import { route } from '../../runtime/route.ts';
import { HANDSHAKES_MAX, HANDSHAKES_PER_CONNECTION_MAX, HandshakeTable } from './handshake-table.ts';

function harness() {
  const table = new HandshakeTable();
  const given: string[] = [];
  const enter = (name: string, ...wayBack: string[]) => table.enter(route(...wayBack), () => given.push(name));
  return { table, given, enter };
}

test('the 65th of a connection costs its oldest; one that is over is not given up', () => {
  const { table, given, enter } = harness();
  const leave = enter('over', 'connection', 'over');
  for (let made = 0; made < HANDSHAKES_PER_CONNECTION_MAX; made++) enter(`${made}`, 'connection', `x${made}`);
  expect(given).toEqual(['over']);
  leave();
  enter('one more', 'connection', 'y');
  expect(given).toEqual(['over', '0']);
  expect(table.count).toBe(HANDSHAKES_PER_CONNECTION_MAX);
});

test('a flood through a relay costs whoever floods, not others that come through it', () => {
  const { given, enter } = harness();
  enter('honest', 'to-relay', 'honest-at-relay', 'a');
  for (let made = 0; made < 1_000; made++) enter('flood', 'to-relay', 'evil-at-relay', `x${made}`);
  enter('late', 'to-relay', 'late-at-relay', 'b');
  for (let made = 0; made < 1_000; made++) enter('flood', 'to-relay', 'evil-at-relay', `y${made}`);
  expect(new Set(given)).toEqual(new Set(['flood']));
});

test('so it does through two relays', () => {
  const { given, enter } = harness();
  enter('honest', 'to-second', 'first-at-second', 'honest-at-first', 'a');
  for (let made = 0; made < 1_000; made++) enter('flood', 'to-second', 'first-at-second', 'evil-at-first', `x${made}`);
  expect(new Set(given)).toEqual(new Set(['flood']));
});

test('a full table costs the connection that holds most', () => {
  const { table, given, enter } = harness();
  enter('honest', 'honest', 'a');
  for (let made = 0; made < 2 * HANDSHAKES_MAX; made++) enter('flood', `connection-${made % 40}`, `x${made}`);
  expect(table.count).toBe(HANDSHAKES_MAX);
  expect(new Set(given)).toEqual(new Set(['flood']));
});
