import { createNode, hop, type Route, route, type Worker } from 'postern';
import { compare, cpuMs, type Subject } from './measure.ts';
import { ReferenceCore } from './reference-core.ts';
import type { Row } from './table.ts';

/** Messages on their way at a time. Once round a thousand forwarders takes the reference core seconds with more. */
const WINDOW = 4_096;
const LONG_WINDOW = 256;
const PAYLOAD = new Uint8Array(32);

/** Messages go round: through so many forwarders to a last worker, which sends them off again. */
export async function routeBench(): Promise<Row[]> {
  const unit = 'deliveries/s';
  const short = await compare(await referenceRing(10, WINDOW), { ours: await ring(10, WINDOW) }, { forMs: 500 });
  const long = await compare(await referenceRing(1_000, LONG_WINDOW), { ours: await ring(1_000, LONG_WINDOW) }, { forMs: 500 });
  return [
    { name: 'route-10', workload: `10 forwarders, ${WINDOW} in flight, 32 B`, unit, target: { atLeast: 3 }, ...short.ours },
    { name: 'route-1000', workload: `1,000 forwarders, ${LONG_WINDOW} in flight, 32 B`, unit, target: { atLeast: 12 }, ...long.ours },
  ];
}

/** Counts what comes round until the time (of the processor) is over, then lets the window run dry. */
class Laps {
  readonly #window: number;
  #count = 0;
  #left = 0;
  #endsAtMs = 0;
  #done: () => void = () => undefined;

  constructor(window: number) {
    this.#window = window;
  }

  /** @returns messages that came round, a second of it */
  async run(forMs: number, send: () => void): Promise<number> {
    const start = cpuMs();
    this.#count = 0;
    this.#left = this.#window;
    this.#endsAtMs = start + forMs;
    const done = new Promise<void>((resolve) => {
      this.#done = resolve;
    });
    for (let message = 0; message < this.#window; message++) send();
    await done;
    return (this.#count / (cpuMs() - start)) * 1_000;
  }

  /** One came round. @returns whether to send it off again */
  goesOn(): boolean {
    this.#count += 1;
    if (this.#count % 64 === 0 && cpuMs() >= this.#endsAtMs) this.#endsAtMs = 0;
    if (this.#endsAtMs !== 0) return true;
    this.#left -= 1;
    if (this.#left === 0) this.#done();
    return false;
  }
}

async function ring(forwarders: number, window: number): Promise<Subject> {
  const messages = 2 * window;
  const limits = { hops: Infinity, ingress: { messages, bytes: Infinity } };
  const node = await createNode({ name: 'ring', limits });
  const laps = new Laps(window);
  const last: Worker = {
    onMessage: (_message, context) => {
      if (laps.goesOn()) context.send(round, PAYLOAD);
    },
  };
  const hops = Array.from({ length: forwarders }, (_, index) => node.start(`hop-${index}`, hop));
  const round: Route = route(...hops, node.start('last', last));
  return async (forMs) => (await laps.run(forMs, () => void node.send(round, PAYLOAD))) * (forwarders + 1);
}

async function referenceRing(forwarders: number, window: number): Promise<Subject> {
  const core = new ReferenceCore();
  const laps = new Laps(window);
  const hops = Array.from({ length: forwarders }, (_, index) => `hop-${index}`);
  const fresh = { onward: [...hops, 'last'], returnRoute: ['source'], payload: PAYLOAD };
  for (const address of hops) core.start(address, (message, through) => core.forward(message, through));
  core.start('last', async () => {
    if (laps.goesOn()) await core.send(fresh);
  });
  return async (forMs) => (await laps.run(forMs, () => void core.send(fresh))) * (forwarders + 1);
}
