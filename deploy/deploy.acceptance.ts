import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Deployment } from 'kubernetes-models/apps/v1';
import { PersistentVolumeClaim, Service } from 'kubernetes-models/v1';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { eventually, freePort, Person } from '../cli/acceptance/world.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const BUILT = join(HERE, '../dist/cli/main.js');
/** Of the manifests; a number that no user here has. */
const USER = 65_532;

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}

interface Manifest {
  readonly kind: string;
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[]; readonly securityContext?: object } } };
}

async function files(folder: string, ending: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  return entries
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort();
}

async function documents(file: string): Promise<unknown[]> {
  const parsed = parseAllDocuments(await readFile(file, 'utf8'), { uniqueKeys: true });
  return [...parsed].map((each) => {
    expect(each.errors, file).toEqual([]);
    return each.toJS() as unknown;
  });
}

async function postern(side: 'project' | 'bank' | 'analysis'): Promise<Container> {
  const [manifest] = (await documents(join(HERE, 'kubernetes', side, 'deployment.yaml'))) as Manifest[];
  return manifest!.spec.template.spec.containers.find(({ name }) => name === 'postern')!;
}

describe('manifests', () => {
  test('each is what Kubernetes takes, and everything that is named is there', async () => {
    const all = await files(join(HERE, 'kubernetes'), '.yaml');
    const counts: Record<string, number> = {};
    for (const file of all.filter((name) => !name.endsWith('/node.yaml'))) {
      for (const each of await documents(file)) {
        const { kind } = each as Manifest;
        counts[kind] = (counts[kind] ?? 0) + 1;
        // A patch is a part: it is none by itself.
        if (file.endsWith('container.yaml')) continue;
        if (kind === 'Deployment') new Deployment(each as never).validate();
        if (kind === 'Service') new Service(each as never).validate();
        if (kind === 'PersistentVolumeClaim') new PersistentVolumeClaim(each as never).validate();
        if (kind === 'Kustomization') {
          const { resources } = each as { readonly resources: readonly string[] };
          for (const resource of resources)
            expect(await readdir(dirname(join(dirname(file), resource)))).toContain(resource.split('/').at(-1));
        }
      }
    }
    expect(counts).toEqual({ Kustomization: 7, PersistentVolumeClaim: 3, Service: 1, Deployment: 7 });
    expect(() => new Deployment({ metadata: { name: 'x' }, spec: { replicas: 'one' } } as never).validate()).toThrow();
  });

  test.each(['project', 'bank', 'analysis'] as const)('%s runs as any user, with a read-only root and no capabilities', async (side) => {
    const { securityContext, volumeMounts, image } = await postern(side);
    expect(securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(image).toBe('postern:local');
    const writable = volumeMounts!.filter(({ readOnly }) => readOnly !== true).map(({ mountPath }) => mountPath);
    expect(writable).toEqual(['/var/lib/postern', '/tmp']);
  });

  test('container files and the script have no findings', async () => {
    for (const file of await files(HERE, 'Dockerfile'))
      expect(execFileSync('npx', ['dockerfilelint', file], { encoding: 'utf8', cwd: join(HERE, '..') })).toContain('Issues: None found');
    execFileSync('shellcheck', [join(HERE, 'run.sh')]);
    expect(() => execFileSync('sh', [join(HERE, 'run.sh'), 'nothing'], { env: { PATH: '/nowhere' }, stdio: 'pipe' })).toThrow();
  });
});

describe('entry points, outside of a container', () => {
  let folder: string;
  let admin: Person;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'postern-deploy-'));
    await chmod(folder, 0o755);
    admin = await Person.create();
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map(ended));
    await admin[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs what a container would: its arguments and environment, with folders in place of mounts and loopback in place of all addresses. */
  async function runs(side: 'project' | 'bank' | 'analysis', replaced: Readonly<Record<string, string>>): Promise<ChildProcess> {
    const { args, env } = await postern(side);
    const state = join(folder, side, 'state');
    await mkdir(state, { recursive: true });
    await chown(state, USER, USER);
    const all: Record<string, string> = { '/var/lib/postern': state, '/etc/postern': join(folder, side, 'etc'), ...replaced };
    const placed = (text: string) => Object.entries(all).reduce((before, [from, to]) => before.replaceAll(from, to), text);
    const child = spawn(process.execPath, [BUILT, ...args!.map(placed)], {
      uid: USER,
      gid: USER,
      cwd: '/',
      env: {
        ...Object.fromEntries(env!.map(({ name, value }) => [name, placed(value)])),
        HOME: '/nonexistent',
        NO_INPUT: '1',
        PATH: process.env['PATH'],
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    children.push(child);
    return child;
  }

  async function mounted(side: 'bank' | 'analysis', node: string, ticket: string): Promise<void> {
    const etc = join(folder, side, 'etc');
    await mkdir(join(etc, 'enrollment'), { recursive: true });
    await writeFile(join(etc, 'node.yaml'), node.replaceAll('/etc/postern', etc), { mode: 0o444 });
    await writeFile(join(etc, 'enrollment/ticket'), ticket, { mode: 0o444 });
    for (const each of [join(etc, 'enrollment'), etc]) await chmod(each, 0o555);
  }

  test.skipIf(process.getuid?.() !== 0)('a project, a database and an app, as user 65532; and again with a used ticket', async () => {
    const [port, projectHealth, bankHealth, analysisHealth, inlet] = await Promise.all([1, 2, 3, 4, 5].map(freePort));
    const database = createServer((_, response) => response.end('the database'));
    await new Promise<void>((resolve) => database.listen(0, '127.0.0.1', resolve));
    admin.atEnd(() => new Promise((resolve) => database.close(resolve)));

    await runs('project', {
      '0.0.0.0:4000': `127.0.0.1:${port!}`,
      '$(PUBLIC_ADDRESS)': `127.0.0.1:${port!}`,
      '0.0.0.0:8080': `127.0.0.1:${projectHealth!}`,
    });
    await healthy(projectHealth!);
    await admin.does(['enroll', join(folder, 'project/state/admin.ticket')]);
    const tickets = {
      bank: await admin.does('project ticket --relay postgres --attribute postgres-outlet=true'),
      analysis: await admin.does('project ticket --attribute postgres-inlet=true'),
    };

    const overlay = (side: string) => readFile(join(HERE, 'kubernetes/overlays/postgres', side, 'node.yaml'), 'utf8');
    await mounted('bank', (await overlay('bank')).replace('5432', String((database.address() as AddressInfo).port)), tickets.bank);
    await mounted('analysis', (await overlay('analysis')).replace('15432', String(inlet)), `${tickets.analysis}\n`);
    const bank = await runs('bank', { '0.0.0.0:8080': `127.0.0.1:${bankHealth!}` });
    await runs('analysis', { '0.0.0.0:8080': `127.0.0.1:${analysisHealth!}` });
    const reaches = () =>
      eventually(
        () => fetch(`http://127.0.0.1:${inlet!}/`, { signal: AbortSignal.timeout(3_000) }).then((answer) => answer.text()),
        (text) => text === 'the database',
        60_000,
      );
    await reaches();
    await healthy(bankHealth!);

    bank.kill('SIGTERM');
    expect(await exited(bank)).toBe(0);
    await runs('bank', { '0.0.0.0:8080': `127.0.0.1:${bankHealth!}` });
    await reaches();
  });
});

const healthy = (port: number) =>
  eventually(
    () => fetch(`http://127.0.0.1:${port}/health`).then((answer) => answer.status),
    (status) => status === 200,
    60_000,
  );

const exited = (child: ChildProcess) =>
  child.exitCode === null && child.signalCode === null
    ? new Promise<number | null>((resolve) => child.once('exit', resolve))
    : Promise.resolve(child.exitCode);

async function ended(child: ChildProcess): Promise<void> {
  const over = exited(child);
  child.kill('SIGKILL');
  await over;
}
