/** Runs one scenario of these and says on one line what came of it. A process of its own, for what it imports may be mutated. */
import { type Scenario, simulate, SimulationFailure } from 'postern/simulation';
import type { Outcome } from './scratch-copy.ts';

const SEED = 7;

const [name = '', isTwice] = process.argv.slice(2);
const { scenario } = (await import(`./scenarios/${name}.ts`)) as { readonly scenario: Scenario };
const { play, invariants = [], keepBytes = false } = scenario;

async function outcome(): Promise<Outcome> {
  try {
    const { trace } = await simulate({ seed: SEED, name: scenario.name, keepBytes, invariants, replays: isTwice === 'twice' }, play);
    return { events: trace.events.length };
  } catch (thrown) {
    if (!(thrown instanceof SimulationFailure)) throw thrown;
    return { failure: thrown.message.split('\n')[0] ?? '' };
  }
}

console.log(JSON.stringify(await outcome()));
