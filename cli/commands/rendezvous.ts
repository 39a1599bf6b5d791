import { Option } from '@commander-js/extra-typings';
import type { Cli } from '../cli.ts';
import { valueOf, VARIABLES } from '../environment.ts';
import { usageError } from '../failure.ts';
import { explained } from '../help.ts';
import type { Doing, Family } from '../program.ts';
import { ASK_MS, askService, startService } from '../rendezvous/service.ts';
import { parseHostPort } from '../values.ts';

export function rendezvousFamily(family: Family, cli: Cli, doing: Doing): void {
  explained(
    family
      .command('create')
      .description('Serve here until a signal comes.')
      .addOption(new Option('--udp <HOST:PORT>', 'where it is asked').argParser(parseHostPort).default('0.0.0.0:4000'))
      .addOption(new Option('--healthcheck <HOST:PORT>', 'where probes ask by HTTP').argParser(parseHostPort).default('0.0.0.0:4001'))
      .addOption(new Option('-f, --foreground', 'always so').default(true))
      .option('-e, --exit-on-eof', 'end when standard input ends')
      .action(
        doing(async ({ udp, healthcheck, exitOnEof = false }) => {
          const { stdin, stdout, onSignal } = cli.invocation;
          const ended = new Promise<void>((resolve) => {
            cli.atEnd(onSignal(() => resolve()));
            if (exitOnEof) void untilEnd(stdin).then(resolve);
          });
          const service = await startService({ udp, health: healthcheck });
          try {
            stdout.write(`Rendezvous at ${service.udp}, health at ${service.health}\n`);
            cli.note(exitOnEof ? 'Close standard input or press Ctrl-C to stop it.' : 'Press Ctrl-C to stop it.');
            await ended;
          } finally {
            await service[Symbol.asyncDispose]();
          }
          cli.note('The rendezvous server was stopped.');
          return undefined;
        }),
      ),
    {
      description: 'Any HTTP request to the health address is answered "Alive" as long as the UDP service answers.',
      examples: ['rendezvous create --udp 127.0.0.1:0 --healthcheck 127.0.0.1:0'],
    },
  );

  explained(
    family
      .command('get-my-address')
      .description('Print the address of this machine as the server sees it.')
      .argument('[HOST:PORT]', 'of the server [env: POSTERN_RENDEZVOUS_SERVER]', parseHostPort)
      .action(
        doing(async (given: string | undefined) => {
          const server = given ?? valueOf(VARIABLES.rendezvous, cli.invocation.env);
          if (server === undefined)
            throw usageError('Which server?', `Give HOST:PORT, or set ${VARIABLES.rendezvous.name}: there is no public one.`);
          const address = (await askService(parseHostPort(server), 'my-address', ASK_MS)) ?? '';
          return { machine: address, json: { address } };
        }),
      ),
    { examples: ['rendezvous get-my-address 127.0.0.1:4000'] },
  );
}

async function untilEnd(input: Cli['invocation']['stdin']): Promise<void> {
  // What is said there does not matter.
  for await (const _ of input);
}
