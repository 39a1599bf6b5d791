import { Option } from '@commander-js/extra-typings';
import { bareData, BareReader } from 'postern/wire';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT, usageError } from '../failure.ts';
import { explained } from '../help.ts';
import { runningNode } from '../node/known.ts';
import { askNode } from '../node/resources.ts';
import { temporaryManager } from '../node/temporary.ts';
import type { Doing, Family } from '../program.ts';
import { retried, retryOptions } from '../retry.ts';
import { reachableRoute } from '../routes.ts';
import { parseDuration, parseIdentityName, parseNodeName, parseProjectName } from '../values.ts';

const TIMEOUT_MS = 10_000;

export function messageFamily(family: Family, cli: Cli, doing: Doing): void {
  const send = family
    .command('send')
    .description('Send a message along a route, and print the answer.')
    .argument('<MESSAGE>', 'a text, or hex with --hex')
    .requiredOption('-t, --to <ROUTE>', 'where to')
    .option('-f, --from <NODE>', 'from a node of this home; from a temporary one if left out', parseNodeName)
    .option('--hex', 'message and answer are hex')
    .addOption(new Option('--timeout <DURATION>', 'for connecting, and for the answer').argParser(parseDuration).default(TIMEOUT_MS, '10s'))
    .option('--identity <NAME>', 'of the temporary node; the default one if left out', parseIdentityName)
    .option('--project <NAME>', 'whose member the temporary node is; the default project if left out', parseProjectName)
    .option('--authority-identity <HEX>', 'the temporary node trusts credentials that this identity issued')
    .option('--authority-route <ROUTE>', 'it fetches its own credential there')
    .option('--credential-scope <SCOPE>', 'it presents the stored credential of this scope')
    .action(
      doing(async (message: string, { to, from, hex, timeout, identity, ...given }) => {
        const { project, authorityIdentity, authorityRoute, credentialScope, ...retries } = given;
        const trust = { project, authorityIdentity, authorityRoute, credentialScope };
        if (from !== undefined) refuseOfTemporary({ identity, ...trust });
        const payload = bareData(hex === true ? bytesOf(message) : new TextEncoder().encode(message));
        const route = await reachableRoute(cli, to);
        const ask =
          from === undefined
            ? asTemporary(await temporaryManager(cli, identity, trust), { to: route, payload, timeoutMs: timeout })
            : asNode(cli, await runningNode(cli, from), { to: route, payload, timeoutMs: timeout });
        const answer = saidIn(await retried(cli, retries, ask));
        return { machine: hex === true ? Buffer.from(answer).toString('hex') : textOf(answer) };
      }),
    );
  for (const option of retryOptions()) send.addOption(option);
  explained(send, {
    description: 'The message is made into one as workers of other nodes speak it: a text, or raw bytes with --hex.',
    examples: ['message send hello --to /node/n1/service/uppercase', 'message send hello --to /project/default/service/echo'],
  });
}

/** Another node is who it is. @throws {CommandError} */
function refuseOfTemporary(given: Readonly<Record<string, string | undefined>>): void {
  const [found] = Object.keys(given).filter((key) => given[key] !== undefined);
  if (found === undefined) return;
  const option = found.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw usageError(`--${option} is for the temporary node: it does not go with --from.`);
}

interface Sent {
  readonly to: string;
  readonly payload: Uint8Array;
  readonly timeoutMs: number;
}

const asTemporary = (manager: Awaited<ReturnType<typeof temporaryManager>>, sent: Sent) => () => manager.sendMessage(sent);

const asNode = (cli: Cli, node: string, sent: Sent) => async () =>
  (await askNode(cli, node, 'message.send', sent, 2 * sent.timeoutMs + 1_000)).payload;

/** Services speak strings and bytes as BARE does: the length before them. Source: routing.md 1 */
function saidIn(payload: Uint8Array): Uint8Array {
  const reader = new BareReader(payload);
  const said = reader.data();
  if (reader.remaining > 0) throw new CommandError(EXIT.failure, 'The answer is none that a service gives.');
  return said;
}

function bytesOf(hex: string): Uint8Array {
  if (!/^([0-9a-fA-F]{2})*$/.test(hex)) throw new CommandError(EXIT.data, 'With --hex the message is pairs of hex digits.');
  return Buffer.from(hex, 'hex');
}

function textOf(answer: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(answer);
  } catch (cause) {
    throw new CommandError(EXIT.failure, 'The answer is no text.', {
      cause,
      help: 'Print it as hex: --hex, with the message in hex, too.',
    });
  }
}
