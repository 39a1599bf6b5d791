// What several of these scenarios are made of.
import { type ByteStream, createIdentity, type HostPort, type Identity, type Message, type Network, type StreamReader } from 'postern';
import type { Home } from 'postern/simulation';
import { nodeCrypto } from 'postern/wire';
import type { Context } from '../../../runtime/context.ts';
import { Message as Sent } from '../../../runtime/message.ts';
import type { Worker } from '../../../runtime/worker.ts';

/** An identity whose seals are seen in the trace. */
export const identityOf = (home: Home): Promise<Identity> => createIdentity({ ...home, crypto: home.watched(nodeCrypto) });

/** A hop that does to what passes whatever it is told: what it returns goes on instead. */
export class Meddler implements Worker {
  meddle: (message: Message) => readonly Message[] = (message) => [message];

  onMessage(message: Message, context: Context): void {
    for (const onward of this.meddle(message.step(context.address))) context.forward(onward);
  }
}

export const withPayload = (message: Message, payload: Uint8Array): Message =>
  new Sent(message.onward, message.returnRoute, payload, message.localInfo, message.hops, message.flow);

/** One end of a byte stream as a program has it: writes what it is told, and keeps what it reads. */
export class Program implements StreamReader {
  readonly bytesOut: Uint8Array[] = [];
  hasEnd = false;
  wasReset = false;
  readonly stream: ByteStream;

  constructor(stream: ByteStream) {
    this.stream = stream;
  }

  static async dial(network: Network, at: HostPort): Promise<Program> {
    let made: Program | undefined;
    await network.connect(at, (stream) => (made = new Program(stream)));
    if (made === undefined) throw new Error('The network gave no stream.');
    return made;
  }

  get byteCount(): number {
    return this.bytesOut.reduce((sum, { length }) => sum + length, 0);
  }

  get isOver(): boolean {
    return this.hasEnd || this.wasReset;
  }

  write(...bytes: readonly Uint8Array[]): void {
    this.stream.write(bytes);
  }

  buffer(): Uint8Array {
    return new Uint8Array(65_536);
  }

  onBytes(bytes: Uint8Array): void {
    this.bytesOut.push(bytes);
  }

  onEnd(): void {
    this.hasEnd = true;
  }

  onReset(): void {
    this.wasReset = true;
  }
}
