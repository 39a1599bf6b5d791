// A side that has an application: the bank's database appears on its own localhost, if the bank lets it in. The demo starts it twice.
import { channelSession, createNode, everyone, inlet, silentLogger, via, whenThere } from 'postern';
import { onTicket, openHome, setting, tell, untilStopped } from './company.ts';
import { join } from './member.ts';

const node = await createNode({ name: setting('NAME'), logger: silentLogger });
const home = await openHome();
const POLICY = '(= subject.postgres-outlet "true")';

async function serve(ticket: string): Promise<void> {
  const { member, shown, allow } = await join(node, home, ticket, { name: 'inlet', type: 'tcp-inlet' }, POLICY);
  const toBank = channelSession(node, via(member.channel, 'forward_to_postgres', 'api'), { ...shown, trust: everyone });
  // Whoever is not let in hears nothing: so long a client waits.
  const { local } = await inlet(node, { listen: '127.0.0.1:0', outlet: via(toBank, 'outlet'), allow, pongTimeoutMs: 2_000 });
  await whenThere(toBank);
  tell({ inletPort: local.port, policy: POLICY });
}

onTicket(serve);
untilStopped(async () => {
  await node.stop();
  await home.close();
});
