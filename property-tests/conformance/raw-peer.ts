import { systemClock } from '../../host/clock.ts';
import type { Clock } from '../../runtime/clock.ts';
import { PosternError } from '../../runtime/errors.ts';
import type { ByteStream, HostPort, Network, StreamListener, StreamReader } from '../../runtime/network.ts';

const TIMEOUT_MS = 5_000;
/** All peers lend the same memory: what comes is copied at once. */
const LENT = new Uint8Array(65_536);
const HEAD_BYTES = 4;

/** What a scripted peer expected and did not get. */
export class RawPeerError extends PosternError<'EXPECTED_FRAME' | 'EXPECTED_BYTES' | 'EXPECTED_CLOSE' | 'EXPECTED_PEER'> {}

export interface RawPeerOptions {
  /** Whose time the timeouts are. The system's by default. */
  readonly clock?: Clock;
  /** How long each expectation waits unless it says otherwise. Default: 5 s. */
  readonly timeoutMs?: number;
}

/**
 * A peer that does exactly as it is told: it sends the bytes it is given, also such as no honest peer sends, and keeps what
 * comes. It says no version and answers nothing by itself. For tests of whatever speaks the TCP transport's protocol.
 */
export class RawPeer implements StreamReader {
  /** How the connection stands: the other end may have ended its direction, or reset both. */
  state: 'open' | 'ended' | 'reset' = 'open';
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onChange = new Set<() => void>();
  #stream!: ByteStream;
  #received = new Uint8Array();
  /** Where the frame that is read next begins: after the version. */
  #frameAt = 1;

  constructor({ clock = systemClock, timeoutMs = TIMEOUT_MS }: RawPeerOptions = {}) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Connects. @throws {TransportError} as the network does */
  static async dial(network: Network, target: HostPort, options?: RawPeerOptions): Promise<RawPeer> {
    const peer = new RawPeer(options);
    await network.connect(target, (stream) => peer.#open(stream));
    return peer;
  }

  /** Listens, and hands over peers in the order in which they connect. */
  static async listen(network: Network, at: HostPort, options?: RawPeerOptions): Promise<RawListener> {
    const peers: RawPeer[] = [];
    let onPeer: () => void = () => undefined;
    const listener = await network.listen(at, (stream) => {
      const peer = new RawPeer(options);
      peers.push(peer.#open(stream));
      onPeer();
      return peer;
    });
    return {
      ...listener,
      next: () =>
        new Promise((resolve, reject) => {
          const { clock = systemClock, timeoutMs = TIMEOUT_MS } = options ?? {};
          const timer = clock.setTimer(timeoutMs, () => reject(new RawPeerError('EXPECTED_PEER', 'Nobody connected in time.')));
          onPeer = () => {
            const peer = peers.shift();
            if (peer === undefined) return;
            timer.cancel();
            onPeer = () => undefined;
            resolve(peer);
          };
          onPeer();
        }),
    };
  }

  /** Everything that came so far, the version byte included. */
  get received(): Uint8Array {
    return this.#received;
  }

  /** Sends these bytes, in one piece. */
  send(bytes: Uint8Array): void {
    this.#stream.write([bytes.slice()]);
  }

  /**
   * The body of the next frame.
   * @throws {RawPeerError} `EXPECTED_FRAME` when the connection ends before, or time is up
   */
  async frame(timeoutMs = this.#timeoutMs): Promise<Uint8Array> {
    const body = await this.#when(() => this.#nextFrame() ?? (this.state === 'open' ? undefined : 'closed'), timeoutMs);
    if (body === undefined || body === 'closed')
      throw new RawPeerError('EXPECTED_FRAME', `No frame came; the connection is ${this.state}.`);
    this.#frameAt += HEAD_BYTES + body.length;
    return body;
  }

  /**
   * How the other end ended the connection.
   * @throws {RawPeerError} `EXPECTED_CLOSE` when it is open when time is up
   */
  async closed(timeoutMs = this.#timeoutMs): Promise<'ended' | 'reset'> {
    const how = await this.#when(() => (this.state === 'open' ? undefined : this.state), timeoutMs);
    if (how === undefined) throw new RawPeerError('EXPECTED_CLOSE', `The connection is still open after ${timeoutMs} ms.`);
    return how;
  }

  /** Waits until these characters have come, or the connection is over. @throws {RawPeerError} `EXPECTED_BYTES` when time is up */
  async heard(text: string, timeoutMs = this.#timeoutMs): Promise<void> {
    const latin1 = new TextDecoder('latin1');
    const isThere = await this.#when(() => this.state !== 'open' || latin1.decode(this.#received).includes(text) || undefined, timeoutMs);
    if (isThere === undefined) throw new RawPeerError('EXPECTED_BYTES', `What was awaited did not come within ${timeoutMs} ms.`);
  }

  /** Stops reading, so that what the other end sends piles up there. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** Half-close. */
  end(): void {
    this.#stream.end();
  }

  reset(): void {
    this.#stream.reset();
  }

  buffer(): Uint8Array {
    return LENT;
  }

  onBytes(bytes: Uint8Array): void {
    const received = new Uint8Array(this.#received.length + bytes.length);
    received.set(this.#received);
    received.set(bytes, this.#received.length);
    this.#received = received;
    this.#changed();
  }

  onEnd(): void {
    this.state = 'ended';
    this.#changed();
  }

  onReset(): void {
    this.state = 'reset';
    this.#changed();
  }

  #open(stream: ByteStream): this {
    this.#stream = stream;
    return this;
  }

  #nextFrame(): Uint8Array | undefined {
    const bytes = this.#received;
    const bodyAt = this.#frameAt + HEAD_BYTES;
    if (bytes.length < bodyAt) return undefined;
    const end = bodyAt + new DataView(bytes.buffer).getUint32(this.#frameAt);
    return bytes.length < end ? undefined : bytes.subarray(bodyAt, end);
  }

  #changed(): void {
    for (const listener of [...this.#onChange]) listener();
  }

  #when<Value>(look: () => Value | undefined, timeoutMs: number): Promise<Value | undefined> {
    return new Promise((resolve) => {
      const finish = (value: Value | undefined) => {
        timer.cancel();
        this.#onChange.delete(check);
        resolve(value);
      };
      const check = () => {
        const value = look();
        if (value !== undefined) finish(value);
      };
      const timer = this.#clock.setTimer(timeoutMs, () => finish(undefined));
      this.#onChange.add(check);
      check();
    });
  }
}

export interface RawListener extends StreamListener {
  /** The next peer that connected, or connects. @throws {RawPeerError} `EXPECTED_PEER` */
  next(): Promise<RawPeer>;
}
