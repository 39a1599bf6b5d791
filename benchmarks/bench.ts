// `npm run bench -- route portal` runs these; without names, all. One table, and exit code 1 when a target was missed.
import { codecBench } from './codec.bench.ts';
import { handshakeBench } from './handshake.bench.ts';
import { portalBench } from './portal.bench.ts';
import { routeBench } from './route.bench.ts';
import { isShort, type Row, tableOf } from './table.ts';

const BENCHES: Readonly<Record<string, () => Promise<Row[]>>> = {
  route: routeBench,
  codec: codecBench,
  handshake: handshakeBench,
  portal: portalBench,
};

const named = process.argv.slice(2);
const unknown = named.filter((name) => !(name in BENCHES));
if (unknown.length > 0) {
  console.error(`There is no benchmark called ${unknown.join(', ')}. There are: ${Object.keys(BENCHES).join(', ')}.`);
  process.exit(64);
}

const rows: Row[] = [];
for (const [name, run] of Object.entries(BENCHES)) {
  if (named.length > 0 && !named.includes(name)) continue;
  console.error(`${name} …`);
  try {
    rows.push(...(await run()));
  } catch (thrown) {
    console.error(thrown);
    process.exitCode = 1;
  }
}
console.log(tableOf(rows));
process.exit(rows.some(isShort) ? 1 : process.exitCode);
