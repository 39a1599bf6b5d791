import { expect, test } from 'vitest';
import { logged, nodeEvent, traceOf } from '../../property-tests/histories.ts';
import { RELAY_KEPT_MS as KEPT_BY_RELAYS } from '../../workers/relay/relay-service.ts';
import type { TraceEvent } from '../trace.ts';
import { type Claim, oneOwner, RELAY_KEPT_MS } from './owners.ts';

const relay = '0#forward_to_bank';
const registered = (peer: string | undefined, at: { atMs?: number; node?: string } = {}) => logged('relay.registered', { relay, peer }, at);
const broken = (...events: TraceEvent[]) => oneOwner().check(traceOf(events));

test("a relay's name stays with whoever registered it until the node hands it on", () => {
  expect(broken(registered('I1'), registered('I1'), logged('relay.taken.over', { relay, peer: 'I2' }), registered('I2'))).toBeUndefined();
  expect(broken(registered('I1'), registered('I1'), registered('I2'))).toEqual({
    invariant: 'one owner per address and relay name',
    text: '0#forward_to_bank on relay was taken by I2 while I1 had it.',
    at: 2,
  });
  expect(broken(registered(undefined), registered('I2'))?.text).toContain('while somebody without an identity had it');
});

test('each relay node has names of its own, and they end with its life', () => {
  expect(broken(registered('I1'), registered('I2', { node: 'other' }))).toBeUndefined();
  expect(broken(registered('I1'), nodeEvent('crashed', { node: 'relay' }), registered('I2'))).toBeUndefined();
  expect(broken(registered('I1'), nodeEvent('crashed', { node: 'other' }), registered('I2'))).toMatchObject({ at: 2 });
});

test('a relay may have been given up in silence after so long, and not before', () => {
  expect(RELAY_KEPT_MS).toBe(KEPT_BY_RELAYS);
  expect(broken(registered('I1'), registered('I2', { atMs: RELAY_KEPT_MS - 1 }))).toMatchObject({ at: 1 });
  expect(broken(registered('I1'), registered('I2', { atMs: RELAY_KEPT_MS }))).toBeUndefined();
});

test('addresses have owners by what a scenario notes', () => {
  const claimOf = (event: TraceEvent): Claim | undefined => {
    if (event.kind !== 'note') return undefined;
    const [what, name = '', owner = ''] = event.text.split(' ');
    const node = event.node ?? '';
    return what === 'takes' ? { what: 'taken', node, name, owner } : { what: 'freed', node, name };
  };
  const note = (text: string): TraceEvent => ({ kind: 'note', atMs: 0, node: 'bank', text });
  const check = (...texts: string[]) => oneOwner(claimOf).check(traceOf(texts.map(note)));
  expect(check('takes 0#echo one', 'frees 0#echo', 'takes 0#echo two', 'takes 0#hop one')).toBeUndefined();
  expect(check('takes 0#echo one', 'takes 0#echo two')).toMatchObject({ at: 1, text: '0#echo on bank was taken by two while one had it.' });
});
