// `npm run soak -- gigabyte stalled` runs these; without names, all. One line of JSON each, and exit code 1 when one failed.
import { stopAll } from '../processes.ts';
import { connections } from './connections.ts';
import { gigabyte } from './gigabyte.ts';
import { halfClose } from './half-close.ts';
import { stalled } from './stalled.ts';
import { type Result, Setting } from './setting.ts';

const SOAKS: Readonly<Record<string, (setting: Setting) => Promise<Result>>> = {
  gigabyte,
  connections,
  stalled,
  'half-close': halfClose,
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in SOAKS));
if (unknown.length > 0) {
  console.error(`There is no soak called ${unknown.join(', ')}. There are: ${Object.keys(SOAKS).join(', ')}.`);
  process.exit(64);
}

let failed = 0;
for (const [name, run] of Object.entries(SOAKS)) {
  if (named.length > 0 && !named.includes(name)) continue;
  let setting: Setting | undefined;
  try {
    setting = await Setting.begin();
    const { passed, ...facts } = await run(setting);
    if (!passed) failed += 1;
    console.log(JSON.stringify({ name, passed, ...facts }));
  } catch (thrown) {
    failed += 1;
    console.log(JSON.stringify({ name, passed: false, error: thrown instanceof Error ? thrown.message : String(thrown) }));
  } finally {
    setting?.stopSampling();
    await stopAll();
  }
}
process.exit(failed === 0 ? 0 : 1);
