/** `npm run mutate`: takes every check away, one at a time, and says which of them nobody misses. Exit code 1 when there is one. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mutations } from './mutations.ts';
import { escaped, ROOT, ScratchCopy } from './scratch-copy.ts';
import { mutationsPage } from './table.ts';

const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const isWriting = process.argv.includes('--write');
const chosen = mutations.filter(
  ({ check, scenario }) => wanted.length === 0 || wanted.some((word) => check.includes(word) || scenario === word),
);
const unknown = process.argv.slice(2).find((word) => word.startsWith('--') && word !== '--write');
if (unknown !== undefined || chosen.length === 0) {
  const what = unknown === undefined ? `No check is called ${wanted.join(' ')}` : `There is no option ${unknown}`;
  process.stderr.write(`${what}. Usage: npm run mutate [-- WORDS OF A CHECK] [--write]; docs/mutations.md lists the checks.\n`);
  process.exit(64);
}
const page = join(ROOT, 'docs', 'mutations.md');
const wrong: string[] = [];
const say = (line: string) => void process.stdout.write(`${line}\n`);
const tell = (line: string, fault: string | undefined, sinceMs: number) => {
  if (fault !== undefined) wrong.push(fault);
  say(`${fault === undefined ? 'ok  ' : 'FAIL'} ${((performance.now() - sinceMs) / 1_000).toFixed(1).padStart(5)} s  ${line}`);
};

using copy = new ScratchCopy();
for (const scenario of new Set(chosen.map((mutation) => mutation.scenario))) {
  const sinceMs = performance.now();
  const outcome = await copy.play(scenario, true);
  tell(`${scenario}, untouched`, 'failure' in outcome ? `${scenario} fails untouched: ${outcome.failure}` : undefined, sinceMs);
}
for (const mutation of chosen) {
  const sinceMs = performance.now();
  tell(`${mutation.scenario}, without: ${mutation.check}`, escaped(mutation, await copy.without(mutation)), sinceMs);
}

say(`\n${chosen.length} checks were taken away.`);
if (wrong.length === 0 && wanted.length === 0 && isWriting) writeFileSync(page, mutationsPage());
else if (wrong.length === 0 && wanted.length === 0 && readFileSync(page, 'utf8') !== mutationsPage())
  wrong.push('docs/mutations.md is of another time: run `npm run mutate -- --write`.');
for (const fault of wrong) say(fault);
process.exitCode = wrong.length === 0 ? 0 : 1;
