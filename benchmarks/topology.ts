import { Program } from './processes.ts';
import type { InletPlace } from './programs/inlet.ts';
import type { OutletPlace } from './programs/outlet.ts';

/** Three processes between a client and a target, each with the next over loopback. */
export interface Chain {
  /** Where clients connect. */
  readonly port: number;
  readonly programs: readonly Program[];
  /** What its processes have used so far, together. */
  cpuMs(): Promise<number>;
}

/**
 * How many ends have a channel to the relay besides the one from end to end. In all three the relay forwards what it cannot
 * read: `portal-1` as it came; `portal-2` after it opened the inlet's channel; `portal-3` sealed again in the outlet's.
 */
export type Portal = 'portal-1' | 'portal-2' | 'portal-3';

export async function portal(kind: Portal, target: number): Promise<Chain> {
  const [relay, outlet, inlet] = (['relay', 'outlet', 'inlet'] as const).map((role) => new Program(role, `${kind}-${role}`));
  if (relay === undefined || outlet === undefined || inlet === undefined) throw new Error('A portal has three programs.');
  const at = await relay.ask<{ readonly port: number; readonly identifier: string }>('begin');
  const relayAt = { relayPort: at.port, relayIdentifier: at.identifier };
  const outletPlace: OutletPlace = { ...relayAt, overChannel: kind === 'portal-3', target };
  const { identifier } = await outlet.ask<{ readonly identifier: string }>('begin', outletPlace);
  const inletPlace: InletPlace = { ...relayAt, overChannel: kind !== 'portal-1', outletIdentifier: identifier };
  const { port } = await inlet.ask<{ readonly port: number }>('begin', inletPlace);
  return chain(port, [inlet, relay, outlet]);
}

/** Three plain proxies. */
export async function pipes(target: number): Promise<Chain> {
  const programs = [1, 2, 3].map((number) => new Program('pipe', `pipe-${number}`));
  let port = target;
  for (const program of programs) ({ port } = await program.ask<{ readonly port: number }>('begin', { target: port }));
  return chain(port, programs);
}

function chain(port: number, programs: readonly Program[]): Chain {
  return {
    port,
    programs,
    cpuMs: async () => {
      const usages = await Promise.all(programs.map((program) => program.usage()));
      return usages.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
    },
  };
}
