/**
 * Memory that was lent with a message, for its payload alone. Whoever has used the payload up and keeps nothing of it says so
 * with `Context.spent`, and the memory serves again soon, while the processor still has it at hand. Whoever says nothing,
 * as every worker that knows nothing of this, keeps what it was given: the memory is freed when nobody refers to it.
 */
export interface Loan {
  /** Called at most once, by `Router.spent`. What viewed the memory is worthless from then on. */
  giveBack(): void;
}

/** Smaller arrays are left to the collector: freeing one by hand costs a microsecond, and the host pools them. */
const FREED_BYTES_MIN = 16 * 1024;
/** So many are freed in one call, which costs as much as the freeing; fewer wait for the next. */
const FREED_TOGETHER = 4;

/**
 * A loan of the large arrays among those that nobody else refers to: given back, they are freed, a few at a time.
 * Without it, the outputs of the ciphers wait for the collector, which comes every 32 MB: no write of a busy node finds its
 * memory in a cache, and a small heap is marked over and over. @returns undefined when none is large
 */
export function freeable(chunks: readonly Uint8Array[]): Loan | undefined {
  let buffers: ArrayBuffer[] | undefined;
  for (const { buffer, byteLength } of chunks) {
    if (byteLength < FREED_BYTES_MIN || byteLength !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) continue;
    (buffers ??= []).push(buffer);
  }
  return buffers && new Freeable(buffers);
}

class Freeable implements Loan {
  readonly #buffers: readonly ArrayBuffer[];

  constructor(buffers: readonly ArrayBuffer[]) {
    this.#buffers = buffers;
  }

  giveBack(): void {
    for (const buffer of this.#buffers) if (buffer.byteLength > 0) waiting.push(buffer); // a worker may have given it to a thread
    if (waiting.length < FREED_TOGETHER) return;
    free(waiting);
    waiting = [];
  }
}

type Port = InstanceType<typeof MessageChannel>['port1'];
type Transferable = ArrayBuffer & { transfer?(byteCount: number): ArrayBuffer };

/** Were given back, and are freed with the next ones. */
let waiting: ArrayBuffer[] = [];
let nobody: Port | undefined;

/** Node 20 has no `transfer`: there, memory that is sent to a port nobody listens to is freed on the spot. */
function free(buffers: Transferable[]): void {
  if (typeof buffers[0]?.transfer === 'function') for (const buffer of buffers) buffer.transfer?.(0);
  else (nobody ??= closedPort()).postMessage(undefined, buffers);
}

function closedPort(): Port {
  const { port1, port2 } = new MessageChannel();
  port1.close();
  port2.close();
  return port1;
}
