import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NodeProcess } from '../property-tests/reliability/processes.ts';
import { DecisionLog, type Denial, explainDenial } from '../policies/decision-log.ts';
import { denialForms } from '../policies/denial-text.ts';
import { readPolicy } from '../policies/policy.ts';
import type { Logger, LogFields } from '../runtime/logger.ts';
import { SimulatedClock } from '../simulation/clock.ts';
import { openDecisionFile, readDecisionFile } from './decision-file.ts';

let folder: string;
let file: string;
let clock: SimulatedClock;
let log: DecisionLog;
let logged: [event: string, fields: LogFields | undefined][];
const logger: Logger = { log: (_level, event, fields) => logged.push([event, fields]) };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-decisions-'));
  file = join(folder, 'n1', 'decisions.log');
  clock = new SimulatedClock();
  log = new DecisionLog({ clock });
  logged = [];
});
afterEach(() => rm(folder, { recursive: true }));

const denial = (name: string, changes: Partial<Denial> = {}): Denial => ({
  resource: { name, type: 'tcp-outlet' },
  action: 'handle_message',
  direction: 'in',
  identifier: 'Ia',
  authority: true,
  attributes: new Map([['role', 'dba"\n\u{1f511}']]),
  skipped: ['identifier'],
  rule: { selector: { type: 'tcp-outlet' }, policy: readPolicy('(= subject.role "admin")') },
  used: [
    { name: 'subject.role', value: { kind: 'string', value: 'dba' } },
    { name: 'subject.age', value: undefined },
    { name: 'a', value: { kind: 'integer', value: 2n ** 62n } },
    { name: 'b', value: { kind: 'float', value: -0 } },
    { name: 'c', value: { kind: 'boolean', value: true } },
  ],
  reason: 'it is false',
  ...changes,
});
const read = () => readDecisionFile(file, { forms: denialForms, logger });
const begin = (fileBytesMax?: number) =>
  openDecisionFile(file, log, { forms: denialForms, clock, logger, ...(fileBytesMax !== undefined && { fileBytesMax }) });
const pass = (ms: number) => clock.runUntil(new Promise<void>((resolve) => void clock.setTimer(ms, resolve)));
const lineCount = () => readFileSync(file, 'utf8').split('\n').length - 1;

test('denials come back as they were, the latest first, and explain themselves', async () => {
  const open = await begin();
  log.record(denial('one'));
  log.record(denial('two', { identifier: undefined, attributes: undefined, rule: undefined, used: [], skipped: [] }));
  log.record(denial('three', { rule: { selector: { name: 'three' }, policy: readPolicy('(and)') }, direction: 'out', authority: false }));
  log.record(denial('one'));
  await open.close();
  const found = await read();
  expect(found).toEqual(log.denials());
  expect(found[0]).toMatchObject({ count: 2 });
  expect(explainDenial(found[0]!)).toEqual(explainDenial(log.denials()[0]!));
  expect(logged).toEqual([]);
});

test('nothing is written before a second has passed, and what was repeated meanwhile is written once', async () => {
  const open = await begin();
  for (let count = 0; count < 500; count++) log.record(denial(count % 2 === 0 ? 'one' : 'two'));
  await pass(999);
  expect(statSync(file).size).toBe(0);
  await pass(1_000);
  await open.close();
  expect(lineCount()).toBe(2);
  expect((await read()).map(({ count }) => count)).toEqual([250, 250]);
});

test('files are 0600 and folders 0700; a link or a file that others may read is refused', async () => {
  await (await begin(100)).close();
  expect([statSync(file).mode & 0o777, statSync(join(folder, 'n1')).mode & 0o777]).toEqual([0o600, 0o700]);
  chmodSync(file, 0o644);
  await expect(begin()).rejects.toMatchObject({ code: 'STORAGE_PATH' });
  await rm(file);
  symlinkSync(join(folder, 'elsewhere'), file);
  await expect(begin()).rejects.toMatchObject({ code: 'STORAGE_PATH' });
  expect(existsSync(join(folder, 'elsewhere'))).toBe(false);
});

test('two files of bounded size are kept, with the latest denials', async () => {
  const open = await begin(5_000);
  for (let round = 0; round < 40; round++) {
    log.record(denial(`resource-${round}`));
    log.record(denial('insists'));
    await pass(1_000);
    await expect.poll(async () => (await read())[0]?.count, { interval: 2 }).toBe(round + 1);
  }
  await open.close();
  expect(statSync(file).size).toBeLessThanOrEqual(5_000);
  expect(statSync(`${file}.1`).size).toBeLessThanOrEqual(5_000);
  expect(statSync(`${file}.1`).mode & 0o777).toBe(0o600);
  const found = await read();
  expect(found.slice(0, 2)).toEqual(log.denials().slice(0, 2));
  expect(found.length).toBeGreaterThan(5);
  expect(found.length).toBeLessThan(30);
  expect(found[0]?.count).toBe(40);
});

test('who is denied under ever new names waits in bounded memory; what was too much is counted', async () => {
  const open = await begin();
  for (let count = 0; count < 3_000; count++) log.record(denial(String(count)));
  await open.close();
  expect((await read()).map(({ number }) => number)).toEqual(Array.from({ length: 1_024 }, (_, index) => 3_000 - index));
  expect(logged).toEqual([['decisions.too-many', { count: 3_000 - 1_024 }]]);
});

test('a line that was cut off or damaged is skipped with a warning, and harms no other, also none that follows', async () => {
  const open = await begin();
  for (const name of ['one', 'two', 'three']) log.record(denial(name));
  await open.close();
  truncateSync(file, statSync(file).size - 7);
  log = new DecisionLog({ clock });
  const again = await begin();
  log.record(denial('four'));
  await again.close();
  expect((await read()).map(({ resource }) => resource.name)).toEqual(['four', 'two', 'one']);
  expect(logged).toEqual([['decisions.damaged', { count: 1 }]]);
});

test('whatever bytes are in the file, reading throws nothing', async () => {
  const open = await begin();
  log.record(denial('one'));
  await open.close();
  const whole = readFileSync(file);
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.uint8Array({ maxLength: 6 }), async (at, bytes) => {
      writeFileSync(file, Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(at + bytes.length), Buffer.from('\n'), whole]));
      expect((await read()).length).toBeGreaterThan(0);
    }),
    { numRuns: 200 },
  );
});

test('what cannot be written is told, kept, and written when it can be', async () => {
  const open = await begin();
  log.record(denial('one'));
  await rm(file);
  mkdirSync(file);
  await pass(1_000);
  await expect.poll(() => logged[0]).toMatchObject(['decisions.unwritten', { code: 'STORAGE_PATH' }]);
  await rm(file, { recursive: true });
  await open.close();
  expect(await read()).toEqual(log.denials());
});

test('a log that was never written reads as empty', async () => {
  expect(await read()).toEqual([]);
});

test('kill -9 loses no denial that was written, and leaves nothing to repair', { timeout: 60_000 }, async () => {
  const child = new NodeProcess('denier', { FILE: file });
  const written = Number(await child.start('written'));
  await child.kill();
  const names = new Set((await read()).map(({ resource }) => resource.name));
  expect(written).toBeGreaterThan(0);
  for (let number = 0; number < written; number++) expect(names).toContain(String(number));
  const open = await begin();
  log.record(denial('after'));
  await open.close();
  expect((await read())[0]?.resource.name).toBe('after');
});
