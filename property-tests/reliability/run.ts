/**
 * Runs rows of the reliability tables with their full counts, one after another.
 * usage: npm run reliability -- [ID ...] [--seed NUMBER] [--share NUMBER]
 * Each row prints one JSON line. Exit code: 0 when all passed, 1 when a row failed or attempted less than its count, 64 for a wrong call.
 */
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { rows as channels } from './ch.ts';
import { rows as files } from './file-trials.ts';
import { rows as portals } from './po.ts';
import { rows as projects } from './project-processes.ts';
import { rows as schedules } from './rb.ts';
import { rows as revocations } from './revocation-races.ts';
import { codeOf, type Row } from './row.ts';
import { rows as routing } from './rt.ts';
import { rows as state } from './st.ts';
import { rows as races } from './ticket-race.ts';
import { rows as transports } from './tr.ts';

export const ROWS: readonly Row[] = [
  ...channels,
  ...routing,
  ...transports,
  ...portals,
  ...schedules,
  ...state,
  ...files,
  ...races,
  ...projects,
  ...revocations,
];

/** What one row came to, as it is printed. */
export interface Line {
  readonly id: string;
  readonly seed: number;
  readonly full: number;
  readonly attempted: number;
  readonly passed: number;
  readonly worst?: string;
  readonly seconds: number;
  readonly ok: boolean;
}

/** Runs a row. What it throws is its failure; less attempted than asked for is one too. */
export async function runRow(row: Row, { seed = 1, share = 1 }: { readonly seed?: number; readonly share?: number } = {}): Promise<Line> {
  const count = Math.ceil(row.full / share);
  const startMs = performance.now();
  const { attempted, passed, worst } = await row
    .run({ count, seed })
    .catch((thrown: unknown) => ({ attempted: 0, passed: 0, worst: `${codeOf(thrown)}: ${String(thrown)}` }));
  const seconds = Math.round((performance.now() - startMs) / 100) / 10;
  const ok = attempted >= count && passed === attempted;
  return { id: row.id, seed, full: row.full, attempted, passed, ...(worst !== undefined && { worst }), seconds, ok };
}

/** @returns the exit code */
export async function main(args: readonly string[], print: (line: string) => void, rows: readonly Row[] = ROWS): Promise<number> {
  let chosen = rows;
  let options: { seed: number; share: number };
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { seed: { type: 'string', default: '1' }, share: { type: 'string', default: '1' } },
    });
    options = { seed: wholeNumber(values.seed), share: wholeNumber(values.share) };
    if (positionals.length > 0) chosen = positionals.map((id) => rowOf(rows, id));
  } catch (thrown) {
    print(JSON.stringify({ error: thrown instanceof Error ? thrown.message : String(thrown) }));
    return 64;
  }
  let failures = 0;
  for (const row of chosen) {
    const line = await runRow(row, options);
    if (!line.ok) failures += 1;
    print(JSON.stringify(line));
  }
  return failures === 0 ? 0 : 1;
}

function rowOf(rows: readonly Row[], id: string): Row {
  const row = rows.find((each) => each.id.toLowerCase() === id.toLowerCase());
  if (row === undefined) throw new RangeError(`There is no row ${id}; there are ${rows.map((each) => each.id).join(' ')}.`);
  return row;
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new RangeError(`A seed and a share are whole numbers from 1; this is ${text}.`);
  return number;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exit(await main(process.argv.slice(2), (line) => void process.stdout.write(`${line}\n`)));
}
