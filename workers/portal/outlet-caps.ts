export interface OutletCaps {
  /** Streams at a time, and of them those of one peer. */
  readonly streams: number;
  readonly streamsPerPeer: number;
  /** Connections to the target that are being made. */
  readonly dials: number;
}

/** Counts the streams of an outlet, so that no peer takes the room of the others. A stream begins with a dial. */
export class OutletCount {
  streams = 0;
  dials = 0;
  readonly #caps: OutletCaps;
  readonly #perPeer = new Map<string, number>();

  constructor(caps: OutletCaps) {
    this.#caps = caps;
  }

  /** Which cap one more stream of that peer would break; undefined when none. */
  exceeded(peer: string): keyof OutletCaps | undefined {
    const { streams, streamsPerPeer, dials } = this.#caps;
    if (this.streams >= streams) return 'streams';
    if ((this.#perPeer.get(peer) ?? 0) >= streamsPerPeer) return 'streamsPerPeer';
    return this.dials >= dials ? 'dials' : undefined;
  }

  /** Counts a stream and its dial. */
  add(peer: string): void {
    this.streams += 1;
    this.dials += 1;
    this.#perPeer.set(peer, (this.#perPeer.get(peer) ?? 0) + 1);
  }

  dialEnded(): void {
    this.dials -= 1;
  }

  /** Its stream has ended. */
  remove(peer: string): void {
    this.streams -= 1;
    const left = (this.#perPeer.get(peer) ?? 0) - 1;
    if (left > 0) this.#perPeer.set(peer, left);
    else this.#perPeer.delete(peer);
  }
}
