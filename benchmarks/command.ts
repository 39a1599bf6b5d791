// How long the command takes, from the build: `npm run bench:command`. Each figure stands beside that of an empty program of the same run,
// since what a machine is busy with beside moves both. CPU time is what the command itself takes.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RUNS = Number(process.env['RUNS'] ?? 11);
const command = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'postern-bench-'));
const env = { ...process.env, POSTERN_HOME: home, QUIET: '1' };

interface Taken {
  readonly wallMs: number;
  /** User and system time of the process and all that it waited for. */
  readonly cpuMs: number;
}

/** `time -p` is in every shell: real, user and sys in seconds. */
function taken(args: readonly string[]): Taken {
  const { stderr, status } = spawnSync('bash', ['-c', 'time -p "$@" > /dev/null 2>&1', 'bash', process.execPath, ...args], {
    env,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}`);
  const seconds = (name: string) => Number(new RegExp(`^${name} ([\\d.]+)$`, 'm').exec(stderr)?.[1]);
  return { wallMs: 1_000 * seconds('real'), cpuMs: 1_000 * (seconds('user') + seconds('sys')) };
}

const middle = (values: readonly number[]) => [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
const least = (values: readonly number[]) => Math.min(...values);

interface Row {
  readonly name: string;
  /** Of one run, by its number. */
  readonly args: (run: number) => readonly string[];
  /** What it may take in ms; beyond an empty program where `isBeyond`. */
  readonly mostMs: number;
  readonly isBeyond: boolean;
}

const rows: readonly Row[] = [
  { name: 'node -e 0', args: () => ['-e', '0'], mostMs: Number.POSITIVE_INFINITY, isBeyond: false },
  { name: '--version', args: () => [command, '--version'], mostMs: 120, isBeyond: false },
  { name: 'node show', args: () => [command, 'node', 'show', 'bench'], mostMs: 250, isBeyond: true },
  { name: 'node list', args: () => [command, 'node', 'list'], mostMs: 250, isBeyond: true },
  { name: 'completion', args: () => [command, 'completion', '--complete', '--', 'node', 'show', ''], mostMs: 200, isBeyond: false },
  { name: 'node create', args: (run) => [command, 'node', 'create', `n${run}`], mostMs: 1_500, isBeyond: false },
];

try {
  execFileSync(process.execPath, [command, 'node', 'create', 'bench'], { env, stdio: 'ignore' });
  const figures = rows.map((): Taken[] => []);
  // In turns, so that a busy moment meets all of them.
  for (let run = 0; run < RUNS; run++) for (const [index, { args }] of rows.entries()) figures[index]?.push(taken(args(run)));
  const empty = figures[0] ?? [];
  const emptyMs = { wall: least(empty.map(({ wallMs }) => wallMs)), cpu: least(empty.map(({ cpuMs }) => cpuMs)) };
  console.log('                 wall ms: least, middle   CPU ms: least, middle   bar');
  for (const [index, { name, mostMs, isBeyond }] of rows.entries()) {
    const walls = (figures[index] ?? []).map(({ wallMs }) => wallMs);
    const cpus = (figures[index] ?? []).map(({ cpuMs }) => cpuMs);
    const beyond = least(walls) - (isBeyond ? emptyMs.wall : 0);
    const bar = Number.isFinite(mostMs)
      ? `${beyond <= mostMs ? 'holds' : 'MISSED'}: ${beyond.toFixed(0)} of ${mostMs}${isBeyond ? ' beyond an empty program' : ''}`
      : '';
    const [a, b, c, d] = [least(walls), middle(walls), least(cpus), middle(cpus)].map((ms) => ms.toFixed(0).padStart(6));
    console.log(`${name.padEnd(16)} ${a} ${b}               ${c} ${d}               ${bar}`);
  }
} finally {
  spawnSync(process.execPath, [command, 'reset', '--yes'], { env, stdio: 'ignore' });
  rmSync(home, { recursive: true, force: true });
}
