import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TransportError } from '../../runtime/errors.ts';
import type { ByteStream, ConnectOptions, HostPort, Network, StreamListener, StreamReader } from '../../runtime/network.ts';

/** A network under test, and what the suite has to know of it. */
export interface NetworkWorld {
  readonly network: Network;
  /** Where to listen. */
  readonly host: string;
  /** A name that leads nowhere, found out without asking anybody. */
  readonly unknownHost: string;
  /** Lets time pass until the promise is settled. */
  until<Value>(promise: Promise<Value>): Promise<Value>;
  /** Lets everything happen that can happen by itself. */
  quiet(): Promise<void>;
  /** Runs a dial in a moment in which nothing answers. */
  silently<Value>(dial: () => Promise<Value>): Promise<Value>;
  /** How many sockets, or what stands for them, exist. */
  leftovers(): number;
}

/** A reader that remembers. It lends fresh memory and keeps it, to see whether somebody writes there later. */
class Recorder implements StreamReader {
  readonly events: string[] = [];
  readonly #received: Uint8Array[] = [];
  readonly #used: { lent: Uint8Array; asItWas: Uint8Array }[] = [];
  readonly #lentBytes: number;
  #lent = new Uint8Array();
  byteCount = 0;
  onMore: (bytes: Uint8Array) => void = () => undefined;
  #checks: (() => void)[] = [];

  constructor(lentBytes = 65_536) {
    this.#lentBytes = lentBytes;
  }

  buffer(): Uint8Array {
    // In the middle of a larger piece of memory: an offset that is ignored shows.
    this.#lent = new Uint8Array(this.#lentBytes + 16).subarray(8, 8 + this.#lentBytes);
    return this.#lent;
  }

  onBytes(bytes: Uint8Array): void {
    expect(bytes.length).toBeGreaterThan(0);
    expect(bytes.length).toBeLessThanOrEqual(this.#lentBytes);
    expect(bytes.buffer).toBe(this.#lent.buffer);
    expect(bytes.byteOffset).toBe(this.#lent.byteOffset);
    this.#received.push(bytes.slice());
    this.byteCount += bytes.length;
    this.#lent.fill(0xee); // it is ours again
    if (this.#used.length < 100) this.#used.push({ lent: this.#lent, asItWas: this.#lent.slice() });
    this.onMore(bytes);
    this.#check();
  }

  onEnd(): void {
    this.events.push('end');
    this.#check();
  }

  onReset(cause: Error): void {
    expect(cause).toMatchObject({ code: 'STREAM_RESET' });
    this.events.push('reset');
    this.#check();
  }

  get received(): Uint8Array {
    return concat(this.#received);
  }

  /** Settles once `condition` holds after something came. */
  when(condition: (recorder: this) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#checks.push(() => {
        if (condition(this)) resolve();
      });
      this.#check();
    });
  }

  expectLentMemoryUntouched(): void {
    for (const { lent, asItWas } of this.#used) expect(Buffer.compare(lent, asItWas)).toBe(0);
  }

  #check(): void {
    for (const check of this.#checks) check();
  }
}

const concat = (chunks: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(chunks));
const text = (value: string) => new TextEncoder().encode(value);
/** Bytes whose every part is different, so that a swap or a gap shows. */
function patterned(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let index = 0; index < count; index++) bytes[index] = (Math.imul(index, 0x9e37_79b1) >>> 13) & 0xff;
  return bytes;
}

interface Pair {
  readonly dialled: ByteStream;
  readonly accepted: ByteStream;
  readonly atDialled: Recorder;
  readonly atAccepted: Recorder;
}

/** What every implementation of the `Network` port has to do; run it over yours. */
export function byteStreamConformance(name: string, makeWorld: () => NetworkWorld): void {
  describe(`byte streams over ${name}`, () => {
    let world: NetworkWorld;
    let before: number;
    let listeners: StreamListener[];
    let streams: ByteStream[];

    beforeEach(() => {
      world = makeWorld();
      before = world.leftovers();
      listeners = [];
      streams = [];
    });

    afterEach(async () => {
      for (const stream of streams) stream.reset();
      for (const listener of listeners) await world.until(listener.close());
      for (let turn = 0; turn < 20 && world.leftovers() > before; turn++) await world.quiet();
      expect(world.leftovers()).toBe(before);
    });

    async function listen(accept: (stream: ByteStream) => StreamReader | undefined, port = 0): Promise<StreamListener> {
      const listener = await world.until(world.network.listen({ host: world.host, port }, accept));
      listeners.push(listener);
      return listener;
    }

    async function connect(target: HostPort, reader: (stream: ByteStream) => StreamReader, options?: ConnectOptions): Promise<ByteStream> {
      const stream = await world.until(world.network.connect(target, reader, options));
      streams.push(stream);
      return stream;
    }

    async function pair(lentBytes?: number, onAccept: (stream: ByteStream) => void = () => undefined): Promise<Pair> {
      const atAccepted = new Recorder(lentBytes);
      const atDialled = new Recorder(lentBytes);
      let onAccepted: (stream: ByteStream) => void;
      const whenAccepted = new Promise<ByteStream>((resolve) => (onAccepted = resolve));
      const listener = await listen((stream) => {
        onAccept(stream);
        onAccepted(stream);
        return atAccepted;
      });
      const dialled = await connect(listener.local, () => atDialled);
      const accepted = await world.until(whenAccepted);
      streams.push(accepted);
      return { dialled, accepted, atDialled, atAccepted };
    }

    test('bytes arrive in order whatever the chunks and the lent memory, both ways', async () => {
      const writes = fc.array(fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 6 }), { minLength: 1, maxLength: 8 });
      await fc.assert(
        fc.asyncProperty(writes, fc.integer({ min: 50, max: 9_000 }), async (sizes, lentBytes) => {
          const { dialled, accepted, atDialled, atAccepted } = await pair(lentBytes);
          const all = patterned(sizes.flat().reduce((sum, size) => sum + size, 0));
          let at = 0;
          for (const write of sizes) {
            const chunks = write.map((size) => all.subarray(at, (at += size)));
            dialled.write(chunks);
            accepted.write(chunks);
          }
          await world.until(Promise.all([atAccepted, atDialled].map((reader) => reader.when((seen) => seen.byteCount >= all.length))));
          expect(Buffer.compare(atAccepted.received, all)).toBe(0);
          expect(Buffer.compare(atDialled.received, all)).toBe(0);
          atAccepted.expectLentMemoryUntouched();
          dialled.reset();
          accepted.reset();
        }),
        { numRuns: 15, examples: [[[[1, 1], [0], [300, 300], [3_000, 3_000]], 7]] },
      );
    });

    test('8 MiB in one write arrive whole, and lent memory is left alone', async () => {
      const { dialled, atAccepted } = await pair();
      const all = patterned(8 * 1_048_576);
      expect(dialled.write([all.subarray(0, 5), all.subarray(5)])).toBe(false);
      await world.until(atAccepted.when((seen) => seen.byteCount >= all.length));
      expect(Buffer.compare(atAccepted.received, all)).toBe(0);
      atAccepted.expectLentMemoryUntouched();
    });

    test('what either side writes from within its accept or connect call comes first', async () => {
      const atDialled = new Recorder();
      const atAccepted = new Recorder();
      const listener = await listen((stream) => {
        streams.push(stream);
        stream.write([text('from the acceptor')]);
        return atAccepted;
      });
      const dialled = await connect(listener.local, (stream) => {
        stream.write([text('from the ')]);
        return atDialled;
      });
      dialled.write([text('dialler')]);
      await world.until(atAccepted.when((seen) => seen.byteCount === 16));
      await world.until(atDialled.when((seen) => seen.byteCount === 17));
      expect(atAccepted.received).toEqual(text('from the dialler'));
      expect(atDialled.received).toEqual(text('from the acceptor'));
    });

    test('a write of nothing is done at once and is not seen', async () => {
      const { dialled, atAccepted } = await pair();
      expect(dialled.write([])).toBe(true);
      expect(dialled.write([new Uint8Array(), new Uint8Array()])).toBe(true);
      let calls = 0;
      dialled.drained(() => calls++);
      expect(calls).toBe(1);
      await world.quiet();
      expect(atAccepted.byteCount).toBe(0);
    });

    test.each(['the dialling end', 'the accepting end'])('after the end of %s the other direction still works', async (who) => {
      const made = await pair();
      const [first, atFirst, second, atSecond] =
        who === 'the dialling end'
          ? [made.dialled, made.atDialled, made.accepted, made.atAccepted]
          : [made.accepted, made.atAccepted, made.dialled, made.atDialled];
      first.write([text('last words')]);
      first.end();
      first.end();
      await world.until(atSecond.when((seen) => seen.events.length > 0));
      expect(atSecond.received).toEqual(text('last words'));
      second.write([text('still here')]);
      await world.until(atFirst.when((seen) => seen.byteCount === 10));
      second.end();
      await world.until(atFirst.when((seen) => seen.events.length > 0));
      await world.quiet();
      expect([atFirst.events, atSecond.events]).toEqual([['end'], ['end']]);
    });

    test('the end comes after every byte written before, and nothing can be written after it', async () => {
      const { dialled, atAccepted } = await pair();
      const all = patterned(4 * 1_048_576);
      dialled.write([all]);
      dialled.end();
      expect(() => dialled.write([text('late')])).toThrow(expect.objectContaining({ code: 'CONNECTION_CLOSED' }));
      await world.until(atAccepted.when((seen) => seen.events.length > 0));
      expect(Buffer.compare(atAccepted.received, all)).toBe(0);
      expect(atAccepted.events).toEqual(['end']);
    });

    test.each(['the dialling end', 'the accepting end'])(
      'a reset by %s is told to the other end, once, and to nobody else',
      async (who) => {
        const made = await pair();
        const isDialled = who === 'the dialling end';
        const stream = isDialled ? made.dialled : made.accepted;
        stream.reset();
        stream.reset();
        stream.end();
        expect(stream.write([text('into the void')])).toBe(false);
        stream.drained(() => expect.unreachable('drained was called after a reset'));
        const [own, other] = isDialled ? [made.atDialled, made.atAccepted] : [made.atAccepted, made.atDialled];
        await world.until(other.when((seen) => seen.events.length > 0));
        await world.quiet();
        expect([own.events, other.events]).toEqual([[], ['reset']]);
      },
    );

    test('a reset from within onBytes ends the reading there', async () => {
      const { dialled, accepted, atAccepted, atDialled } = await pair(4);
      atAccepted.onMore = () => accepted.reset();
      dialled.write([text('more than fits')]);
      await world.until(atDialled.when((seen) => seen.events.length > 0));
      expect(atDialled.events).toEqual(['reset']);
      expect(atAccepted.received).toEqual(text('more'));
    });

    test('a reset right behind the end leaves nothing open', async () => {
      const { dialled, accepted, atAccepted } = await pair();
      dialled.end();
      dialled.reset();
      await world.until(atAccepted.when((seen) => seen.events.length > 0));
      accepted.reset();
    });

    test('a reader that pauses makes the writer wait; once it resumes all is delivered', async () => {
      const { dialled, accepted, atAccepted } = await pair();
      accepted.pause();
      const piece = patterned(65_536);
      let written = 0;
      let isTaken = true;
      while (isTaken) {
        isTaken = dialled.write([piece]);
        written += piece.length;
        expect(written).toBeLessThan(128 * 1_048_576);
      }
      let drainedCount = 0;
      const drained = new Promise<void>((resolve) => {
        dialled.drained(() => {
          drainedCount++;
          resolve();
        });
      });
      // More than any buffer between can take, however it grows.
      for (let count = 0; count < 512; count++) {
        dialled.write([piece]);
        written += piece.length;
      }
      await world.quiet();
      expect([drainedCount, atAccepted.byteCount]).toEqual([0, 0]);
      accepted.resume();
      await world.until(drained);
      await world.until(atAccepted.when((seen) => seen.byteCount === written));
      await world.quiet();
      expect(drainedCount).toBe(1);
    });

    test('while paused from the start neither bytes nor the end are told', async () => {
      const { dialled, accepted, atAccepted } = await pair(4, (stream) => stream.pause());
      dialled.write([text('patience')]);
      dialled.end();
      await world.quiet();
      expect([atAccepted.byteCount, atAccepted.events]).toEqual([0, []]);
      accepted.resume();
      expect(atAccepted.byteCount).toBe(0); // not from within the call
      await world.until(atAccepted.when((seen) => seen.events.length > 0));
      expect(atAccepted.received).toEqual(text('patience'));
    });

    test('a pause from within onBytes holds what was already read', async () => {
      const { dialled, accepted, atAccepted } = await pair(3);
      atAccepted.onMore = () => accepted.pause();
      dialled.write([text('abcdefgh')]);
      dialled.end();
      for (const expected of ['abc', 'abcdef', 'abcdefgh']) {
        await world.until(atAccepted.when((seen) => seen.byteCount >= expected.length));
        await world.quiet();
        expect(atAccepted.received).toEqual(text(expected));
        expect(atAccepted.events).toEqual([]);
        accepted.resume();
        expect(atAccepted.received).toEqual(text(expected));
      }
      await world.until(atAccepted.when((seen) => seen.events.length > 0));
      expect(atAccepted.events).toEqual(['end']);
    });

    test('each end knows both addresses; port 0 became a real one', async () => {
      const { dialled, accepted } = await pair();
      expect(listeners[0]!.local.port).toBeGreaterThan(0);
      expect(dialled.remote.port).toBe(listeners[0]!.local.port);
      expect(accepted.local.port).toBe(dialled.remote.port);
      expect(accepted.remote).toEqual(dialled.local);
    });

    test('a closed listener takes nobody more, and those it accepted live on', async () => {
      const { dialled, atAccepted } = await pair();
      const [listener] = listeners;
      await world.until(listener!.close());
      await world.until(listener!.close());
      await expect(connect(listener!.local, () => new Recorder())).rejects.toMatchObject({ code: 'CONNECT_REFUSED' });
      dialled.write([text('alive')]);
      await world.until(atAccepted.when((seen) => seen.byteCount === 5));
      expect((await listen(() => undefined, listener!.local.port)).local.port).toBe(listener!.local.port);
    });

    test('a connection that is not accepted is reset', async () => {
      const listener = await listen(() => undefined);
      const reader = new Recorder();
      // Where the reset is quicker than the news of the connection, the dial itself fails.
      const outcome = await connect(listener.local, () => reader).catch((error: unknown) => error);
      if (outcome instanceof TransportError) expect(outcome.code).toBe('CONNECT_FAILED');
      else await world.until(reader.when((seen) => seen.events.length > 0));
      expect(reader.events).toEqual(outcome instanceof TransportError ? [] : ['reset']);
    });

    test('a taken port, and a host that is not ours, cannot be listened at', async () => {
      const listener = await listen(() => undefined);
      await expect(listen(() => undefined, listener.local.port)).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
      await expect(world.until(world.network.listen({ host: world.unknownHost, port: 0 }, () => undefined))).rejects.toMatchObject({
        code: 'LISTEN_FAILED',
      });
    });

    test('a dial that cannot succeed says why', async () => {
      const listener = await listen(() => new Recorder());
      const neverMade = () => expect.unreachable('a reader was asked for');
      await expect(connect({ host: world.unknownHost, port: 1 }, neverMade)).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
      await expect(world.silently(() => connect(listener.local, neverMade, { timeoutMs: 2 }))).rejects.toMatchObject({
        code: 'CONNECT_TIMEOUT',
      });
    });

    test('a dial can be called off before it starts and on its way', async () => {
      const listener = await listen((stream) => {
        streams.push(stream);
        return new Recorder();
      });
      const neverMade = () => expect.unreachable('a reader was asked for');
      await expect(connect(listener.local, neverMade, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CONNECT_ABORTED' });
      const controller = new AbortController();
      const dial = connect(listener.local, neverMade, { signal: controller.signal, timeoutMs: 5_000 });
      controller.abort();
      await expect(dial).rejects.toMatchObject({ code: 'CONNECT_ABORTED' });
      await world.quiet();
    });
  });
}
