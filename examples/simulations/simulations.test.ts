import { type PlayAnywhere, type Scenario, simulate } from 'postern/simulation';
import { loopback } from 'postern/simulation/loopback';
import { expect, test, vi } from 'vitest';
import { scenario as company } from './01-company.ts';
import { scenario as herd } from './02-herd.ts';
import { scenario as loop } from './03-loop.ts';
import { scenario as maliciousRelay } from './04-malicious-relay.ts';
import { scenario as handshakeStorm } from './05-handshake-storm.ts';
import { scenario as clockSteps } from './06-clock-steps.ts';
import { scenario as outages } from './07-outages.ts';

/** For a machine that does much else; alone, none takes more than 4 s. */
const PATIENCE_MS = 120_000;

const scenarios: readonly Scenario[] = [company, herd, loop, maliciousRelay, handshakeStorm, clockSteps, outages];
const inBothWorlds: readonly (Scenario & { readonly play: PlayAnywhere })[] = [company, outages];

test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
  '%s holds, and does the same twice',
  async (name, { play, invariants, keepBytes = false }) => {
    const report = await simulate({ seed: 7, name, keepBytes, ...(invariants && { invariants }) }, play);
    expect(report.trace.events.length).toBeGreaterThan(100);
  },
  PATIENCE_MS,
);

/** Processes that this one has started. */
const processes = () => process.getActiveResourcesInfo().filter((kind) => kind === 'ProcessWrap').length;

test.each(inBothWorlds.map((scenario) => [scenario.name, scenario] as const))(
  '%s holds with real processes too, and none of them is left',
  async (name, { play, invariants, keepBytes = false }) => {
    const before = processes();
    const report = await simulate({ seed: 7, name, keepBytes, ...(invariants && { invariants }), world: loopback() }, play);
    expect(report.trace.events.length).toBeGreaterThan(100);
    expect(report.trace.leftOut).toBeUndefined();
    await vi.waitFor(() => expect(processes()).toBe(before));
  },
  PATIENCE_MS,
);
