// The side that has the database. It dials the project and listens nowhere; only who holds postgres-inlet gets in.
import { createNode, everyone, outlet, relaySession, secureChannelListener, silentLogger, whenThere } from 'postern';
import { setting, tell, untilStopped, watchFor } from './company.ts';
import { join } from './member.ts';

const node = await createNode({ name: 'bank', logger: silentLogger });
watchFor(node, setting('SECRET'));
const POLICY = '(= subject.postgres-inlet "true")';

process.once('message', ({ ticket }: { ticket: string }) => {
  void serve(ticket);
});

async function serve(ticket: string): Promise<void> {
  const { member, shown, allow } = await join(node, ticket, { name: 'outlet', type: 'tcp-outlet' }, POLICY);
  const registered = relaySession(node, member.channel, { name: 'postgres' });
  const channels = secureChannelListener(node, 'api', {
    ...shown,
    trust: everyone, // the policy decides what a peer may use
    on: member.channel,
    onChannel: (channel) => tell({ channelWith: channel.peer }),
  });
  outlet(node, { target: setting('DATABASE'), on: channels, allow });
  await whenThere(registered);
  tell({ relayAddress: 'forward_to_postgres', policy: POLICY });
}

untilStopped(() => node.stop());
