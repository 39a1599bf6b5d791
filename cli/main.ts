#!/usr/bin/env node
import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { Invocation } from './invocation.ts';
import { asksForVersion, versionText } from './version.ts';

// Files and sockets are for their owner alone from the first moment. Source: reliability.md LO1
process.umask(0o077);
// A reader that went away is no reason to die in the middle of something.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const [, script = ''] = process.argv;
const invocation: Invocation = {
  programName: basename(script).replace(/^main\.[jt]s$/, 'postern') || 'postern',
  args: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  // The link by which we were started may go away.
  program: [process.execPath, ...process.execArgv, realpathSync(script)],
  onSignal: (listener) => {
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) process.on(signal, listener);
    return () => {
      for (const signal of signals) process.off(signal, listener);
    };
  },
};
// What answers at once loads nothing.
if (asksForVersion(invocation.args)) process.stdout.write(versionText);
else process.exitCode = await (await import('./run.ts')).run(invocation);
