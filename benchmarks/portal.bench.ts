import { setTimeout as sleep } from 'node:timers/promises';
import { compare, type Compared, percentile, type Subject } from './measure.ts';
import { Program, stopAll } from './processes.ts';
import type { Row, Target } from './table.ts';
import { type Chain, type Portal, pipes, portal } from './topology.ts';

/** Between the first connection and the measurement. */
const RAMP_MS = 150;
/**
 * Until the compiler is done with a portal: its throughput, its round trips and its connections a second double within this time, for it
 * handles only some thousand chunks and some hundred connections a second.
 */
const WARM_UP_MS = 10_000;
const PORTALS: readonly Portal[] = ['portal-1', 'portal-2', 'portal-3'];
const THROUGHPUT_TARGET = { 'portal-1': 0.4, 'portal-2': 0.35, 'portal-3': 0.25 } as const;

/** Every portal against three plain `pipe` proxies between the same client and the same sink, all standing at the same time. */
export async function portalBench(): Promise<Row[]> {
  try {
    const client = new Program('client');
    const sink = new Program('sink');
    const { port: target } = await sink.ask<{ readonly port: number }>('begin');
    const baseline = await pipes(target);
    const chains = Object.fromEntries(await Promise.all(PORTALS.map(async (kind) => [kind, await portal(kind, target)] as const)));
    const against = (measure: (chain: Chain) => Subject, forMs: number, warmUpMs?: number) =>
      compare(
        measure(baseline),
        Object.fromEntries(Object.entries(chains).map(([kind, chain]) => [kind, measure(chain)])) as Record<Portal, Subject>,
        { forMs, ...(warmUpMs !== undefined && { warmUpMs }) },
      );
    const rows: Row[] = [];
    const report = (name: string, workload: string, unit: string, found: Record<Portal, Compared>, target: (kind: Portal) => Target) => {
      for (const kind of PORTALS) rows.push({ name: `${kind}${name}`, workload, unit, target: target(kind), ...found[kind] });
    };

    for (const streams of [1, 8]) {
      const cpu = new Map<Chain, number[]>();
      const throughput =
        (chain: Chain): Subject =>
        async (forMs) => {
          await client.ask('push', { port: chain.port, streams });
          await sleep(RAMP_MS);
          const cpuBefore = await chain.cpuMs();
          const bytesPerSecond = await sink.ask<number>('rate', { forMs });
          const cpuMs = (await chain.cpuMs()) - cpuBefore;
          await client.ask('stopPushing');
          await emptied(sink);
          cpu.set(chain, [...(cpu.get(chain) ?? []), cpuMs / ((bytesPerSecond * forMs) / 1e9)]);
          return bytesPerSecond / 1e6;
        };
      const found = await against(throughput, 1_000, WARM_UP_MS);
      report('', `throughput, ${streams} stream${streams > 1 ? 's' : ''}`, 'MB/s', found, (kind) => ({ atLeast: THROUGHPUT_TARGET[kind] }));
      const cpuOf = (chain: Chain) => percentile(cpu.get(chain) ?? [], 0.5);
      for (const kind of PORTALS) {
        const [ours, base] = [cpuOf(chains[kind]!), cpuOf(baseline)];
        const target = kind === 'portal-2' ? { atMost: 3.5 } : undefined;
        const figures = { ours, baseline: base, ratio: ours / base, noise: found[kind].noise };
        rows.push({
          name: `${kind}-cpu`,
          workload: `of the three, ${streams} stream${streams > 1 ? 's' : ''}`,
          unit: 'ms/MB',
          target,
          ...figures,
        });
      }
    }

    for (const share of [0.5, 0.99]) {
      const echo =
        (chain: Chain): Subject =>
        async (forMs) =>
          percentile(await client.ask<number[]>('echo', { port: chain.port, forMs }), share);
      const found = await against(echo, 500, share === 0.5 ? WARM_UP_MS : undefined);
      report('-echo', `64 B, p${share * 100}`, 'us', found, () => (share === 0.5 ? { atMost: 2 } : undefined));
    }

    const connects =
      (chain: Chain): Subject =>
      (forMs) =>
        client.ask<number>('connects', { port: chain.port, forMs, atOnce: 8 });
    const connected = await against(connects, 700, WARM_UP_MS);
    report('-conn', 'connect, 1 B echo, close; 8 at once', 'conn/s', connected, () => ({ atLeast: 0.4 }));
    return rows;
  } finally {
    await stopAll();
  }
}

/** What one measurement opened is gone before the next begins. */
async function emptied(sink: Program): Promise<void> {
  while ((await sink.ask<number>('connections')) > 0) await sleep(5);
}
