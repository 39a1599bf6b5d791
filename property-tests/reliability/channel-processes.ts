import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { randomFraction } from '../../runtime/random.ts';
import { seededRandom } from '../../simulation/random.ts';
import { inTurn, type Row } from './row.ts';

const PROGRAM = fileURLToPath(new URL('programs/seals.ts', import.meta.url));
const LIFE_MS_MAX = 300;
const READY_MS_MAX = 20_000;

/** Starts the program, lets it work for a moment, and kills it. @returns what it said first; undefined when it said nothing */
function live(folder: string, record: string, lifeMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=postern-source', PROGRAM, folder, record], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said: string | undefined;
    const late = setTimeout(() => child.kill('SIGKILL'), READY_MS_MAX);
    child.stdout.once('data', (bytes: Buffer) => {
      said = bytes.toString().trim();
      setTimeout(() => child.kill('SIGKILL'), lifeMs);
    });
    child.once('exit', () => {
      clearTimeout(late);
      resolve(said);
    });
  });
}

/** Whether any 32 bytes in a row of the folder's files are a key whose hash was recorded. */
function holdsKey(folder: string, keys: ReadonlySet<string>): boolean {
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, name));
    for (let at = 0; at + 32 <= bytes.length; at++) {
      if (
        keys.has(
          createHash('sha256')
            .update(bytes.subarray(at, at + 32))
            .digest('hex'),
        )
      )
        return true;
    }
  }
  return false;
}

const restarted: Row = {
  id: 'CH10',
  about: 'kill -9 and restart under traffic, with the same identities: no (key, nonce) pair twice, no session key in the folder',
  full: 100,
  run: async ({ count, seed }) => {
    const root = mkdtempSync(join(tmpdir(), 'postern-ch10-'));
    const folder = mkdtempSync(join(root, 'home-'));
    const record = join(root, 'seals');
    const random = seededRandom(seed);
    const used = new Set<string>();
    const keys = new Set<string>();
    let first: string | undefined;
    try {
      return await inTurn(count, async (_index, tally) => {
        writeFileSync(record, '');
        const said = await live(folder, record, randomFraction(random) * LIFE_MS_MAX);
        first ??= said;
        const seals = readFileSync(record, 'utf8').split('\n').slice(0, -1);
        if (said === undefined || said !== first) return `it said ${said}`;
        if (seals.length < 10) return `only ${seals.length} seals`;
        for (const seal of seals) {
          if (used.has(seal)) return 'a pair was used twice';
          used.add(seal);
          keys.add(seal.slice(0, 64));
        }
        tally.measured(used.size, 'seals in all');
        return holdsKey(folder, keys) ? 'the folder holds a session key' : undefined;
      });
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  },
};

/** Channels, of reliability.md 2.4: what needs processes that die. */
export const rows: readonly Row[] = [restarted];
