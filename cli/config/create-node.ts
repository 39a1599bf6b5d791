import type { Cli } from '../cli.ts';
import { usageError } from '../failure.ts';
import { identityFor } from '../identity.ts';
import { createAndStart, type CreateOptions, freeNodeName } from '../node/create-node.ts';
import { runForeground } from '../node/foreground.ts';
import { checkNotRunning } from '../node/record.ts';
import { startNode } from '../node/start-node.ts';
import { enrollByTicket } from '../project/enrollment.ts';
import { ticketText } from '../ticket.ts';
import { parseNewNodeName } from '../values.ts';
import { readNodeConfiguration } from './node-configuration.ts';
import type { Source } from './place.ts';
import type { Step } from './steps.ts';

const ENROLL_MS = 240_000;
const NOTHING: Source = { name: '--enrollment-ticket', text: '' };

export interface ConfiguredNode {
  /** Undefined: there is only a ticket. */
  readonly source: Source | undefined;
  /** Of the command line, as is all else here. */
  readonly name: string | undefined;
  readonly ticket: string | undefined;
  readonly variables: ReadonlyMap<string, string>;
  readonly options: CreateOptions;
}

/**
 * Makes a node and what its configuration has on it: identity, enrollment, node, policies, relays, outlets, inlets. All of it is
 * looked at before the first step. In the foreground it returns when the node has ended.
 * @returns the name of the node; undefined for one that was in the foreground, and has ended
 * @throws {CommandError} with the place of what failed; a node that was not there before is gone then
 * Source: command-line.md 6
 */
export async function createConfigured(cli: Cli, given: ConfiguredNode): Promise<string | undefined> {
  const file = await readNodeConfiguration(cli, given.source ?? NOTHING, given.variables, given.options);
  const options: CreateOptions = { ...file.options, ...withoutUndefined(given.options) };
  if (options.exitOnEof === true && options.foreground !== true) throw usageError('--exit-on-eof needs --foreground.');
  const name = parseNewNodeName(given.name ?? file.name ?? (await freeNodeName(cli)));
  const steps = await file.steps(name);
  if (options.skipIsRunningCheck !== true) await checkNotRunning(cli, name);
  const ticket = given.ticket ?? file.ticket;
  const text = ticket === undefined ? undefined : await ticketText(cli, ticket, { isOnLine: given.ticket !== undefined });

  const identity = await identityFor(cli, options.identity, { makes: true });
  const project = text === undefined ? undefined : await enrolledIn(cli, identity, text);
  const trusted = options.project ?? (options.authorityIdentity === undefined ? project : undefined);
  if (trusted !== undefined) cli.project = trusted;
  await createAndStart(cli, name, { ...options, identity: identity.name, project: trusted }, async () => {
    if (options.foreground === true) {
      const exitsOnEof = options.exitOnEof === true;
      await runForeground(cli, name, { isBackground: false, restores: true, exitsOnEof, onReady: () => runAll(cli, steps) });
      return;
    }
    await startNode(cli, name);
    await runAll(cli, steps);
  });
  return options.foreground === true ? undefined : name;
}

/** @returns the name of the project in this home */
async function enrolledIn(cli: Cli, identity: Parameters<typeof enrollByTicket>[1], ticket: string): Promise<string> {
  const { outcome, project } = await enrollByTicket(cli, identity, ticket, { timeoutMs: ENROLL_MS, makesDefault: false });
  if (outcome === 'already-member') cli.note(`Identity ${identity.name} is a member already; the ticket was not used up.`);
  return project.name;
}

export async function runAll(cli: Cli, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    const result = await step.run();
    const said = result?.plain ?? result?.machine;
    if (said !== undefined) cli.note(said.replaceAll(/^ {2,4}/gm, ''));
  }
}

/** What was not given on the command line does not stand against the file. */
function withoutUndefined<Given extends object>(given: Given): Given {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Given;
}
