import { Program } from '../processes.ts';
import type { Digests } from '../programs/exchange.ts';
import type { ExchangeRun } from '../programs/client.ts';
import { type Chain, portal } from '../topology.ts';

/** What a soak found: the facts, and whether they are as they should be. */
export interface Result {
  readonly passed: boolean;
  readonly [fact: string]: unknown;
}

/** None of the three nodes may ever hold more memory. Source: the acceptance of the core */
export const RESIDENT_BYTES_MAX = 300 * 1024 * 1024;

const SAMPLE_MS = 100;

/** A client, a portal of three processes, and a server behind it. */
export class Setting {
  readonly client: Program;
  readonly sink: Program;
  readonly chain: Chain;
  readonly #peaks: number[];
  readonly #sampling: NodeJS.Timeout;

  private constructor(client: Program, sink: Program, chain: Chain) {
    this.client = client;
    this.sink = sink;
    this.chain = chain;
    this.#peaks = chain.programs.map(() => 0);
    this.#sampling = setInterval(() => void this.#sample().catch(() => this.stopSampling()), SAMPLE_MS);
  }

  static async begin(): Promise<Setting> {
    const client = new Program('client');
    const sink = new Program('sink');
    const { port } = await sink.ask<{ readonly port: number }>('begin');
    return new Setting(client, sink, await portal('portal-3', port));
  }

  /** The most that each node held at any time so far, in whole MiB. */
  async peakMiB(): Promise<Readonly<Record<string, number>>> {
    this.stopSampling();
    await this.#sample();
    return Object.fromEntries(this.chain.programs.map(({ name }, index) => [name, Math.ceil((this.#peaks[index] ?? 0) / 1024 ** 2)]));
  }

  stopSampling(): void {
    clearInterval(this.#sampling);
  }

  /** Whether both ends of every connection received, to the last byte, what the other sent. */
  async exchange(run: Omit<ExchangeRun, 'port'>): Promise<boolean> {
    const near = await this.client.ask<Digests[]>('exchange', { port: this.chain.port, ...run });
    const far = await this.sink.ask<Digests[]>('exchanged');
    const pairs = (digests: readonly Digests[], key: (of: Digests) => string) => digests.map(key).sort().join();
    const isWhole =
      near.every(({ receivedBytes }) => receivedBytes === run.other.bytes) &&
      far.every(({ receivedBytes }) => receivedBytes === run.own.bytes);
    // Contents are random, so that a digest names its stream: each is found once at either end, both ways together.
    const matches =
      pairs(near, ({ sent, received }) => `${sent} ${received}`) === pairs(far, ({ sent, received }) => `${received} ${sent}`);
    return near.length === run.streams && isWhole && matches;
  }

  async #sample(): Promise<void> {
    const usages = await Promise.all(this.chain.programs.map((program) => program.usage()));
    for (const [index, { residentBytes }] of usages.entries()) this.#peaks[index] = Math.max(this.#peaks[index] ?? 0, residentBytes);
  }
}

export function isWithinMemory(peakMiB: Readonly<Record<string, number>>): boolean {
  return Object.values(peakMiB).every((peak) => peak * 1024 ** 2 < RESIDENT_BYTES_MAX);
}
