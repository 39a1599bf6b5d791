import { describe, expect, test } from 'vitest';
import { smallNode } from '../property-tests/node-watch.ts';
import type { Context } from './context.ts';
import { RuntimeError } from './errors.ts';
import type { Message } from './message.ts';
import type { OnFailure, Worker } from './worker.ts';

const nothing = new Uint8Array(0);
const byte = (value: number) => Uint8Array.of(value);
const later = () => new Promise<void>((resolve) => void setImmediate(resolve));

/** A promise and how to settle it. */
function gate(): { readonly promise: Promise<void>; open(): void; fail(cause: Error): void } {
  let open: () => void = () => undefined;
  let fail: (cause: Error) => void = () => undefined;
  const promise = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open: () => open(), fail: (cause) => fail(cause) };
}

/** Notes what happens to it. */
class Recorder implements Worker {
  readonly seen: string[] = [];
  context!: Context;

  onStart(context: Context): void | Promise<void> {
    this.context = context;
    this.seen.push('start');
  }

  onMessage(message: Message): void | Promise<void> {
    this.seen.push(`message ${message.payload[0] ?? ''}`);
  }

  onStop(): void | Promise<void> {
    this.seen.push('stop');
  }
}

describe('one message at a time', () => {
  test('what a promise is returned for is waited for, and nothing else', async () => {
    const { node, watch } = smallNode();
    const first = gate();
    const seen: number[] = [];
    node.start('slow', {
      onMessage: (message) => {
        seen.push(message.payload[0] ?? 0);
        return message.payload[0] === 1 ? first.promise : undefined;
      },
    });
    for (const value of [1, 2, 3]) await node.send('slow', byte(value));
    await later();
    expect(seen).toEqual([1]);
    first.open();
    await later();
    expect([seen, watch.faults]).toEqual([[1, 2, 3], []]);
  });

  test('what is no promise is no reason to wait, a thenable is', async () => {
    const { node, watch } = smallNode();
    const answers: unknown[] = [5, 'text', { then: 5 }, null, { then: (done: () => void) => done() }];
    let handled = 0;
    node.start('odd', { onMessage: () => answers[handled++] as undefined });
    for (let index = 0; index < answers.length; index++) await node.send('odd', nothing);
    await later();
    expect([handled, watch.handled, watch.faults]).toEqual([5, 5, []]);
  });

  test('messages wait for onStart', async () => {
    const { node } = smallNode();
    const started = gate();
    const worker = new Recorder();
    worker.onStart = () => started.promise;
    node.start('w', worker);
    await node.send('w', byte(1));
    await later();
    expect(worker.seen).toEqual([]);
    started.open();
    await later();
    expect(worker.seen).toEqual(['message 1']);
  });

  test('several addresses, one mailbox, one order', async () => {
    const { node } = smallNode();
    const seen: string[] = [];
    node.start('a', { onMessage: ({ destination }) => void seen.push(destination.name) }, { also: [{ address: 'b' }, { address: 'c' }] });
    for (const to of ['c', 'a', 'b', 'a']) await node.send(to, nothing);
    await later();
    expect(seen).toEqual(['c', 'a', 'b', 'a']);
  });

  test('it sends from its own addresses only', async () => {
    const { node } = smallNode();
    const worker = new Recorder();
    node.start('mine', worker);
    const other = node.start('other', new Recorder());
    expect(() => worker.context.send('mine', nothing, { from: other })).toThrow(RuntimeError);
  });
});

describe('starting', () => {
  test('an onStart that throws leaves nothing: no address, no timer, no charge', async () => {
    const { node, clock, watch } = smallNode();
    const worker: Worker = {
      onStart: (context) => {
        context.send('failing', nothing);
        context.setTimer(100, () => undefined);
        throw new TypeError('no');
      },
      onMessage: () => undefined,
    };
    expect(() => node.start('failing', worker, { also: [{ address: 'too' }] })).toThrow('no');
    expect([node.addresses, clock.pendingCount, watch.faults]).toEqual([[], 0, []]);
    expect(node.deadLetters.count('stopped')).toBe(1);
    node.start('failing', new Recorder());
  });

  test('a taken address takes back those before it', () => {
    const { node } = smallNode();
    node.start('b', new Recorder());
    expect(() => node.start('a', new Recorder(), { also: [{ address: 'b' }] })).toThrow(
      expect.objectContaining({ code: 'ADDRESS_IN_USE' }),
    );
    expect(() => node.start('c', new Recorder(), { also: [{ address: 'c' }] })).toThrow(
      expect.objectContaining({ code: 'ADDRESS_IN_USE' }),
    );
    expect(node.addresses.map((each) => each.name)).toEqual(['b']);
  });

  test('a rejected onStart stops it: onStop is called, what waits is given up, the watcher is told', async () => {
    const { node, watch } = smallNode();
    const started = gate();
    const worker = new Recorder();
    worker.onStart = () => started.promise;
    node.start('w', worker, { onFailure: 'continue' });
    const ends: unknown[] = [];
    node.watch('w', ({ cause }) => ends.push(cause));
    await node.send('w', nothing);
    const cause = new Error('no');
    started.fail(cause);
    await later();
    expect([worker.seen, ends, node.addresses, watch.faults]).toEqual([['stop'], [cause], [], []]);
    expect(node.deadLetters.count('stopped')).toBe(1);
  });

  test('stopping while starting waits for the start, and for what was sent before', async () => {
    const { node } = smallNode();
    const started = gate();
    const worker = new Recorder();
    worker.onStart = () => started.promise;
    node.start('w', worker);
    await node.send('w', byte(1));
    const stopped = node.stopWorker('w');
    await node.send('w', byte(2));
    started.open();
    await stopped;
    expect(worker.seen).toEqual(['message 1', 'stop']);
    expect(node.deadLetters.count('stopped')).toBe(1);
  });

  test('it may stop itself in onStart', async () => {
    const { node } = smallNode();
    const worker = new Recorder();
    worker.onStart = (context) => context.stop();
    node.start('w', worker);
    expect([worker.seen, node.addresses]).toEqual([['stop'], []]);
  });
});

describe('stopping', () => {
  test('what waits is handled, what comes later is not, and stopping twice is stopping once', async () => {
    const { node, watch } = smallNode();
    const worker = new Recorder();
    node.start('w', worker);
    for (const value of [1, 2]) void node.send('w', byte(value));
    const first = node.stopWorker('w');
    expect(node.stopWorker('w')).toBe(first);
    void node.send('w', byte(3));
    await first;
    expect(worker.seen).toEqual(['start', 'message 1', 'message 2', 'stop']);
    expect([node.deadLetters.count('stopped'), watch.faults]).toEqual([1, []]);
    await expect(node.stopWorker('w')).rejects.toMatchObject({ code: 'ADDRESS_UNKNOWN' });
  });

  test('from its own handler: the messages behind it are still handled', async () => {
    const { node } = smallNode();
    const worker = new Recorder();
    worker.onMessage = (message) => {
      worker.seen.push(`message ${message.payload[0]}`);
      worker.context.stop();
    };
    node.start('w', worker);
    for (const value of [1, 2]) void node.send('w', byte(value));
    await later();
    expect(worker.seen).toEqual(['start', 'message 1', 'message 2', 'stop']);
  });

  test('onStop may say goodbye and take its time', async () => {
    const { node } = smallNode();
    const friend = new Recorder();
    const done = gate();
    node.start('friend', friend);
    node.start('w', {
      onMessage: () => undefined,
      onStop: (context) => {
        context.send('friend', byte(9));
        return done.promise;
      },
    });
    const stopped = node.stopWorker('w');
    await later();
    expect([friend.seen, node.addresses.length]).toEqual([['start', 'message 9'], 2]);
    done.open();
    await stopped;
    expect(node.addresses.length).toBe(1);
  });

  test('stopping what is gone, from a worker, is nothing', async () => {
    const { node } = smallNode();
    const worker = new Recorder();
    node.start('w', worker);
    worker.context.stop('gone');
    await later();
  });

  test('timers end with the worker, and afterwards none begins', async () => {
    const { node, clock } = smallNode();
    const worker = new Recorder();
    node.start('w', worker);
    worker.context.setTimer(10, () => worker.seen.push('timer'));
    worker.context.setTimer(1_000, () => worker.seen.push('late'));
    worker.context.setTimer(5, () => worker.seen.push('cancelled')).cancel();
    await clock.run({ untilMs: 20 });
    await node.stopWorker('w');
    worker.context.setTimer(10, () => worker.seen.push('too late')).cancel();
    worker.context.setTimer(10, () => worker.seen.push('too late'));
    worker.context.enter(() => worker.seen.push('too late'));
    worker.context.whenQuiet(() => worker.seen.push('too late'));
    await clock.runUntilQuiet();
    expect(worker.seen).toEqual(['start', 'timer', 'stop']);
  });
});

// Source: reliability.md RT14
describe('throwing', () => {
  const thrown = [new Error('an error'), 'text', undefined, null, 5];
  const policies: OnFailure[] = ['continue', 'stop', { restart: { limit: 100, withinMs: 1_000, backoffMs: 1 } }];
  const places = ['onStart later', 'onMessage', 'onMessage later', 'onStop', 'onStop later', 'timer', 'enter', 'whenQuiet'] as const;

  const cases = places.flatMap((place) => policies.map((onFailure) => ({ place, onFailure })));
  test.each(cases)('in $place, with $onFailure: only that fails', async ({ place, onFailure }) => {
    const unhandled: unknown[] = [];
    const note = (cause: unknown) => unhandled.push(cause);
    process.on('unhandledRejection', note);
    for (const what of thrown) {
      const { node, clock, watch } = smallNode();
      const fail = (at: (typeof places)[number]): void | Promise<void> => {
        if (place === at) throw what; // eslint-disable-line @typescript-eslint/only-throw-error -- that is the case
        if (place === `${at} later`) return Promise.reject(what); // eslint-disable-line @typescript-eslint/prefer-promise-reject-errors -- likewise
      };
      let context!: Context;
      node.start(
        'w',
        {
          onStart: (own) => {
            context = own;
            return place === 'onStart later' ? Promise.reject(what) : undefined; // eslint-disable-line @typescript-eslint/prefer-promise-reject-errors -- likewise
          },
          onMessage: () => fail('onMessage'),
          onStop: () => fail('onStop'),
        },
        { onFailure },
      );
      node.start('echo', { onMessage: (message, own) => own.reply(message, message.payload) });
      void node.send('w', nothing);
      context.setTimer(1, () => void fail('timer'));
      context.enter(() => void fail('enter'));
      context.whenQuiet(() => void fail('whenQuiet'));
      await clock.run({ untilMs: 5 });
      expect((await clock.runUntil(node.request('echo', byte(7)))).payload).toEqual(byte(7));
      await clock.runUntil(node.stop());
      expect([node.addresses, clock.pendingCount, watch.faults]).toEqual([[], 0, []]);
    }
    await later();
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  test('continue is the default: that message is lost, counted, with its cause', async () => {
    const { node, watch } = smallNode();
    const seen: number[] = [];
    const causes: unknown[] = [];
    node.deadLetters.subscribe(({ reason, cause }) => causes.push(reason, cause));
    const cause = new Error('two');
    node.start('w', {
      onMessage: (message) => {
        if (message.payload[0] === 2) throw cause;
        seen.push(message.payload[0] ?? 0);
      },
    });
    for (const value of [1, 2, 3]) await node.send('w', byte(value));
    await later();
    expect([seen, causes, watch.faults]).toEqual([[1, 3], ['failed', cause], []]);
  });

  test('stop: what waits is given up, and who watches is told why', async () => {
    const { node, watch } = smallNode();
    const cause = new Error('enough');
    const ends: unknown[] = [];
    node.start(
      'w',
      {
        onMessage: () => {
          throw cause;
        },
      },
      { onFailure: 'stop' },
    );
    node.watch('w', (ended) => ends.push(ended.address.name, ended.cause));
    for (const value of [1, 2, 3]) void node.send('w', byte(value));
    await later();
    expect([ends, node.addresses, watch.faults]).toEqual([['w', cause], [], []]);
    expect([node.deadLetters.count('failed'), node.deadLetters.count('stopped')]).toEqual([1, 2]);
  });
});

test('an idle worker that is called from outside and fails does not wait for a message to stop', () => {
  const { node } = smallNode();
  const worker = new Recorder();
  node.start('w', worker, { onFailure: 'stop' });
  worker.context.enter(() => {
    throw new Error('outside');
  });
  expect([worker.seen, node.addresses]).toEqual([['start', 'stop'], []]);
});

describe('restart', () => {
  function restarting(limit: number, options: { async?: boolean } = {}) {
    const { node, clock, watch } = smallNode();
    const seen: string[] = [];
    let made = 0;
    let context!: Context;
    node.start(
      'w',
      () => {
        const number = (made += 1);
        return {
          onStart: (own) => {
            context = own;
            seen.push(`start ${number}`);
          },
          onMessage: (message) => {
            const value = message.payload[0] ?? 0;
            seen.push(`${number}: ${value}`);
            if (value !== 0) return;
            if (options.async === true) return Promise.reject(new Error('zero'));
            throw new Error('zero');
          },
          onStop: () => void seen.push(`stop ${number}`),
        };
      },
      { onFailure: { restart: { limit, withinMs: 1_000, backoffMs: 50 } } },
    );
    const send = (...values: number[]) => {
      for (const value of values) void node.send('w', byte(value));
    };
    return { node, clock, watch, seen, send, context: () => context };
  }

  test.each([false, true])('a new one from the factory after the back-off, its messages waiting (async %s)', async (async) => {
    const { clock, seen, send, watch } = restarting(1, { async });
    send(1, 0, 2);
    await clock.run({ untilMs: 49 });
    expect(seen).toEqual(['start 1', '1: 1', '1: 0', 'stop 1']);
    await clock.run({ untilMs: 50 });
    expect([seen.slice(4), watch.faults]).toEqual([['start 2', '2: 2'], []]);
  });

  test('more failures than the limit within the time: it stops', async () => {
    const { node, clock, seen, send } = restarting(2);
    let cause: unknown;
    node.watch('w', (ended) => (cause = ended.cause));
    send(0, 0, 0, 1);
    await clock.runUntilQuiet();
    expect(seen).toEqual(['start 1', '1: 0', 'stop 1', 'start 2', '2: 0', 'stop 2', 'start 3', '3: 0', 'stop 3']);
    expect([cause, node.addresses, node.deadLetters.count('stopped')]).toEqual([new Error('zero'), [], 1]);
  });

  test('failures further apart than that are forgotten', async () => {
    const { clock, seen, send } = restarting(1);
    for (let round = 1; round <= 4; round++) {
      send(0);
      await clock.run({ untilMs: round * 2_000 });
    }
    expect(seen.filter((each) => each.startsWith('start'))).toHaveLength(5);
  });

  test('the timers of the one that failed are gone', async () => {
    const { clock, seen, send, context } = restarting(1);
    context().setTimer(60, () => seen.push('timer'));
    send(0);
    await clock.runUntilQuiet();
    expect(seen).toEqual(['start 1', '1: 0', 'stop 1', 'start 2']);
  });

  test('a failure while it stands in line: nothing is handled before the restart', async () => {
    const { clock, seen, send, context } = restarting(1);
    send(1);
    context().whenQuiet(() => undefined);
    const enter = () =>
      context().enter(() => {
        throw new Error('outside');
      });
    enter();
    await clock.runUntilQuiet();
    expect(seen).toEqual(['start 1', 'stop 1', 'start 2', '2: 1']);
  });

  test('a failure while a handler waits: the handler ends first', async () => {
    const { node, clock, watch } = smallNode();
    const seen: string[] = [];
    const first = gate();
    let made = 0;
    let context!: Context;
    node.start(
      'w',
      () => {
        const number = (made += 1);
        return {
          onStart: (own) => void (context = own),
          onMessage: async () => {
            seen.push(`begin ${number}`);
            if (number === 1) await first.promise;
            seen.push(`end ${number}`);
          },
        };
      },
      { onFailure: { restart: { limit: 1, withinMs: 1_000, backoffMs: 0 } } },
    );
    for (let index = 0; index < 2; index++) void node.send('w', nothing);
    await later();
    context.enter(() => {
      throw new Error('outside');
    });
    await clock.run({ untilMs: 100 });
    expect(seen).toEqual(['begin 1']);
    first.open();
    await clock.run({ untilMs: 200 });
    expect([seen, watch.faults]).toEqual([['begin 1', 'end 1', 'begin 2', 'end 2'], []]);
  });

  test('an onStart that fails again counts too', async () => {
    const { node, clock } = smallNode();
    let made = 0;
    node.start(
      'w',
      () => {
        const number = (made += 1);
        return {
          onStart: () => {
            if (number > 1) throw new Error(`start ${number}`);
          },
          onMessage: () => {
            throw new Error('first');
          },
        };
      },
      { onFailure: { restart: { limit: 3, withinMs: 1_000, backoffMs: 1 } } },
    );
    let cause: unknown;
    node.watch('w', (ended) => (cause = ended.cause));
    void node.send('w', nothing);
    await clock.runUntilQuiet();
    expect([made, cause, node.addresses]).toEqual([4, new Error('start 4'), []]);
  });

  test('what fails during the back-off is a failure of the one that is gone', async () => {
    const { clock, seen, send, context } = restarting(1);
    send(0);
    await clock.run({ untilMs: 10 });
    context().enter(() => {
      throw new Error('an old socket');
    });
    await clock.runUntilQuiet();
    expect(seen).toEqual(['start 1', '1: 0', 'stop 1', 'start 2']);
  });

  test('stopped during the back-off it ends at once, without a second onStop', async () => {
    const { node, clock, seen, send } = restarting(1);
    send(0, 1);
    await clock.run({ untilMs: 10 });
    await node.stopWorker('w');
    expect([seen, clock.pendingCount, node.deadLetters.count('stopped')]).toEqual([['start 1', '1: 0', 'stop 1'], 0, 1]);
  });
});

describe('who pays', () => {
  test('what a handler sends is charged to whom the message came from, what a timer sends to the worker', async () => {
    const { node, clock } = smallNode();
    const payers = new Map<string, unknown>();
    node.trace(({ kind, message }) => kind === 'sent' && payers.set(message.onward.next.name, message.ingress));
    node.start('sink', { onMessage: () => undefined });
    node.start('other sink', { onMessage: () => undefined });
    node.start('w', {
      onStart: (context) => void context.setTimer(1, () => context.send('other sink', nothing)),
      onMessage: (_, context) => context.send('sink', nothing),
    });
    await node.send('w', nothing);
    await clock.run({ untilMs: 1 });
    expect(payers.get('sink')).toBe(payers.get('w'));
    expect(payers.get('other sink')).not.toBe(payers.get('w'));
  });

  test('a message that a handler gives up is dead once, even when the handler then throws', async () => {
    const { node, watch } = smallNode();
    const reasons: string[] = [];
    node.deadLetters.subscribe(({ reason }) => reasons.push(reason));
    node.start('w', {
      onMessage: (message, context) => {
        context.giveUp(message, 'refused');
        throw new Error('and now this');
      },
    });
    await node.send('w', nothing);
    await later();
    expect([reasons, watch.faults]).toEqual([['refused'], []]);
  });

  test('given up after it was handled, it is counted, and its trace has one end', async () => {
    const { node, watch } = smallNode();
    let kept: [Message, Context] | undefined;
    node.start('w', { onMessage: (message, context) => void (kept = [message, context]) });
    await node.send('w', nothing);
    await later();
    kept?.[1].giveUp(kept[0], 'stopped');
    expect([node.deadLetters.count('stopped'), watch.faults]).toEqual([1, []]);
  });
});
