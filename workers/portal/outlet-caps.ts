export interface OutletCaps {
  /** Streams at a time, and of them those of one peer. */
  readonly streams: number;
  readonly streamsPerPeer: number;
}

/** Counts the streams of an outlet, so that no peer takes the room of the others. */
export class OutletCount {
  streams = 0;
  readonly #caps: OutletCaps;
  readonly #perPeer = new Map<string, number>();

  constructor(caps: OutletCaps) {
    this.#caps = caps;
  }

  /** Which cap one more stream of that peer would break; undefined when none. */
  exceeded(peer: string): keyof OutletCaps | undefined {
    const { streams, streamsPerPeer } = this.#caps;
    if (this.streams >= streams) return 'streams';
    return (this.#perPeer.get(peer) ?? 0) >= streamsPerPeer ? 'streamsPerPeer' : undefined;
  }

  add(peer: string): void {
    this.streams += 1;
    this.#perPeer.set(peer, (this.#perPeer.get(peer) ?? 0) + 1);
  }

  /** Its stream has ended. */
  remove(peer: string): void {
    this.streams -= 1;
    const left = (this.#perPeer.get(peer) ?? 0) - 1;
    if (left > 0) this.#perPeer.set(peer, left);
    else this.#perPeer.delete(peer);
  }
}

/** Lets so many dials be under way at a time; the others stand in line. */
export class DialLine {
  readonly #dialsMax: number;
  readonly #waiting = new Set<() => void>();
  #underWay = 0;

  constructor(dialsMax: number) {
    this.#dialsMax = dialsMax;
  }

  /** Whoever enters now has to wait. */
  get isFull(): boolean {
    return this.#underWay >= this.#dialsMax;
  }

  /**
   * @param dial called when it is its turn, perhaps at once
   * @returns to be called when the dial is over or called off: the next one goes. Once or more often
   */
  enter(dial: () => void): () => void {
    let isUnderWay = false;
    const begin = () => {
      isUnderWay = true;
      this.#underWay += 1;
      dial();
    };
    if (this.isFull) this.#waiting.add(begin);
    else begin();
    return () => {
      this.#waiting.delete(begin);
      if (!isUnderWay) return;
      isUnderWay = false;
      this.#underWay -= 1;
      this.#next();
    };
  }

  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    this.#waiting.delete(first);
    first();
  }
}
