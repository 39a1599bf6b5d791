import { expect, test } from 'vitest';
import { dead, handled, nodeEvent, sent, traceOf } from '../../property-tests/histories.ts';
import { everyMessageEnds, messageSums } from './fates.ts';

const broken = (...events: Parameters<typeof traceOf>[0]) => everyMessageEnds.check(traceOf(events));

test('each message ends as handled, as a dead letter, or with its node', () => {
  const events = [
    ...[sent(1), sent(2), sent(3), dead(4, { reason: 'unknown-address' }), handled(1), dead(2)],
    ...[nodeEvent('crashed'), nodeEvent('started', { life: 2 }), sent(5, { life: 2 }), nodeEvent('stopped', { life: 2 })],
  ];
  expect(broken(...events)).toBeUndefined();
  expect(messageSums(traceOf(events))).toEqual({ sent: 4, handled: 1, dead: 1, lost: 2, waiting: 0, undeliverable: 1 });
});

test('one that waits for ever is told with its place', () => {
  expect(broken(sent(1), sent(2), handled(1))).toEqual({
    invariant: 'every message ends once',
    text: 'message 2 to 0#echo on bank was sent and never ends; 1 such in all.',
    at: 1,
  });
  expect(messageSums(traceOf([sent(1), sent(2), handled(1)]))).toMatchObject({ sent: 2, handled: 1, waiting: 1 });
});

test('the end of another node, or of an earlier life, is no end of it', () => {
  expect(broken(sent(1), nodeEvent('crashed', { node: 'relay' }))).toMatchObject({ at: 0 });
  expect(broken(sent(1, { life: 2 }), nodeEvent('crashed', { life: 1 }))).toMatchObject({ at: 0 });
});

test('what cannot be is told at the event that cannot be', () => {
  const cases = [
    [[sent(1), handled(1), handled(1)], 'message 1 was handled on bank after its end.'],
    [[sent(1), handled(1), dead(1)], 'message 1 was dead on bank after its end.'],
    [[sent(1), sent(1, { node: 'relay' })], 'message 1 was sent twice, on bank and on relay.'],
    [[handled(1)], 'message 1 was handled on bank and never sent.'],
    [[sent(1), handled(1, { node: 'relay' })], 'message 1 was sent on bank in its life 1 and handled elsewhere.'],
    [[sent(1), nodeEvent('crashed'), handled(1)], 'message 1 was handled on bank in its life 1, which was over.'],
    [[nodeEvent('stopped'), sent(1)], 'message 1 was sent on bank in its life 1, which was over.'],
  ] as const;
  for (const [events, text] of cases) expect(broken(...events)).toMatchObject({ text, at: events.length - 1 });
  const { reason: _, ...causeless } = dead(1);
  expect(broken(sent(1), causeless)).toMatchObject({ text: 'message 1 was lost on bank without a cause.', at: 1 });
});
