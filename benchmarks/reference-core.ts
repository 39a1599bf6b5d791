/**
 * The router that everybody writes first: a loop per worker that awaits the next message, `await` at every step, routes as
 * arrays that are copied at every hop. The baseline of the route benchmarks.
 */
export interface ReferenceMessage {
  readonly onward: readonly string[];
  readonly returnRoute: readonly string[];
  readonly payload: Uint8Array;
}

type Handler = (message: ReferenceMessage, address: string) => Promise<void>;

export class ReferenceCore {
  readonly #mailboxes = new Map<string, ReferenceMailbox>();

  start(address: string, handler: Handler): void {
    const mailbox = new ReferenceMailbox();
    this.#mailboxes.set(address, mailbox);
    void this.#run(address, mailbox, handler);
  }

  async send(message: ReferenceMessage): Promise<void> {
    const next = message.onward[0];
    const mailbox = next === undefined ? undefined : this.#mailboxes.get(next);
    if (mailbox === undefined) throw new Error(`Nobody is at ${next}.`);
    await mailbox.push(message);
  }

  async forward(message: ReferenceMessage, through: string): Promise<void> {
    await this.send({
      onward: message.onward.slice(1),
      returnRoute: [through, ...message.returnRoute],
      payload: message.payload,
    });
  }

  async #run(address: string, mailbox: ReferenceMailbox, handler: Handler): Promise<never> {
    for (;;) await handler(await mailbox.shift(), address);
  }
}

class ReferenceMailbox {
  readonly #messages: ReferenceMessage[] = [];
  #wake: ((message: ReferenceMessage) => void) | undefined;

  async push(message: ReferenceMessage): Promise<void> {
    const wake = this.#wake;
    this.#wake = undefined;
    if (wake === undefined) this.#messages.push(message);
    else wake(message);
  }

  async shift(): Promise<ReferenceMessage> {
    const first = this.#messages.shift();
    if (first !== undefined) return first;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
