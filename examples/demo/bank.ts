// The side that has the database. It dials the project and listens nowhere; only who holds postgres-inlet gets in.
import { createNode, everyone, outlet, relaySession, secureChannelListener, silentLogger, whenThere } from 'postern';
import { onTicket, openHome, setting, tell, untilStopped, watchFor } from './company.ts';
import { join } from './member.ts';

const node = await createNode({ name: 'bank', logger: silentLogger });
const home = await openHome();
watchFor(node, setting('SECRET'));
const POLICY = '(= subject.postgres-inlet "true")';

async function serve(ticket: string): Promise<void> {
  const { member, shown, allow } = await join(node, home, ticket, { name: 'outlet', type: 'tcp-outlet' }, POLICY);
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

onTicket(serve);
untilStopped(async () => {
  await node.stop();
  await home.close();
});
