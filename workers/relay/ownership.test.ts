import { expect, test } from 'vitest';
import { rightTo, type Verdict } from './ownership.ts';

const ALICE = 'I01';
const BOB = 'I02';
type Row = [claimant: string, holder: string, isConnected: boolean, hasAnswered: boolean, isSameWay: boolean, verdict: Verdict];

/** Every combination that differs. Source: decisions.md B10 */
const TABLE: Row[] = [
  ['alice', 'alice', true, true, false, 'replace'],
  ['alice', 'alice', true, false, false, 'replace'],
  ['alice', 'alice', false, true, false, 'replace'],
  ['bob', 'alice', true, true, false, 'askHolder'],
  ['bob', 'alice', true, false, false, 'refuse'],
  ['bob', 'alice', true, false, true, 'refuse'],
  ['bob', 'alice', false, true, false, 'replace'],
  ['bob', 'alice', false, false, false, 'replace'],
  ['plain', 'alice', true, true, false, 'askHolder'],
  ['plain', 'alice', true, false, false, 'refuse'],
  ['plain', 'alice', true, false, true, 'refuse'],
  ['plain', 'alice', false, false, false, 'replace'],
  ['alice', 'plain', true, false, false, 'askHolder'],
  ['alice', 'plain', false, false, false, 'replace'],
  ['plain', 'plain', true, false, false, 'askHolder'],
  ['plain', 'plain', true, true, false, 'askHolder'],
  ['plain', 'plain', true, false, true, 'replace'],
  ['plain', 'plain', false, false, false, 'replace'],
  ['administrator', 'alice', true, true, false, 'replace'],
  ['administrator', 'plain', true, true, false, 'replace'],
];

const peers: Record<string, string | undefined> = { alice: ALICE, bob: BOB, plain: undefined, administrator: BOB };

test.each(TABLE)('%s against %s, connected %s, answered %s, same way %s: %s', (claimant, holder, ...facts) => {
  const [isConnected, hasAnswered, isSameWay, verdict] = facts;
  const claim = { peer: peers[claimant], isAdministrator: claimant === 'administrator' };
  expect(rightTo(claim, { peer: peers[holder], isConnected, hasAnswered }, isSameWay)).toBe(verdict);
});
