/** Source: RFC 6455 5.2. */
const FIN = 0x80;
const MASKED = 0x80;
const LENGTH = 0x7f;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const FIRST_CONTROL = 0x08;
const MASK_BYTES = 4;

/**
 * Follows the bytes of a WebSocket only so far as to know whether a message or frame has begun and not ended: the library says
 * when one is whole, but not when one begins. Whether the bytes keep to the rules is for the library to judge.
 */
export class MessageBounds {
  /** Messages that came whole, and control frames outside of messages. */
  wholeCount = 0;
  /** What came of a head that is not whole: two bytes, an extended length, a mask. */
  readonly #head: number[] = [];
  /** What is still to come of the frame whose head was read. */
  #leftBytes = 0;
  #isLastFrame = false;
  #isInsideMessage = false;

  /** Whether something has begun and not ended. */
  get isInside(): boolean {
    return this.#isInsideMessage || this.#leftBytes > 0 || this.#head.length > 0;
  }

  onBytes(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#leftBytes > 0) {
        const count = Math.min(this.#leftBytes, bytes.length - at);
        at += count;
        this.#leftBytes -= count;
        if (this.#leftBytes === 0) this.#endFrame();
        continue;
      }
      this.#head.push(bytes[at++] ?? 0);
      if (this.#head.length >= headBytes(this.#head)) this.#beginFrame();
    }
  }

  #beginFrame(): void {
    const [first = 0, second = 0] = this.#head;
    const isControl = (first & 0x0f) >= FIRST_CONTROL;
    if (!isControl) this.#isInsideMessage = true;
    this.#isLastFrame = !isControl && (first & FIN) !== 0;
    const short = second & LENGTH;
    const extended = this.#head.slice(2, 2 + extendedBytes(short));
    this.#leftBytes = extended.length === 0 ? short : extended.reduce((length, byte) => length * 256 + byte, 0);
    this.#head.length = 0;
    if (this.#leftBytes === 0) this.#endFrame();
  }

  #endFrame(): void {
    if (this.#isLastFrame) this.#isInsideMessage = false;
    if (!this.#isInsideMessage) this.wholeCount += 1;
  }
}

function headBytes([, second]: readonly number[]): number {
  if (second === undefined) return 2;
  return 2 + extendedBytes(second & LENGTH) + ((second & MASKED) === 0 ? 0 : MASK_BYTES);
}

function extendedBytes(short: number): number {
  if (short === LENGTH_16) return 2;
  return short === LENGTH_64 ? 8 : 0;
}
