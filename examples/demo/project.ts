// The rendezvous in the middle: it knows who is a member, and forwards what it cannot read. It listens; all others only dial out.
import { join } from 'node:path';
import { silentLogger, systemClock } from 'postern';
import { createProject, storedProjectState } from 'postern/manager';
import { openSqliteStore } from 'postern/storage';
import { setting, tell, untilStopped, watchFor } from './company.ts';

const store = await openSqliteStore(join(setting('HOME_FOLDER'), 'database.sqlite3'), { clock: systemClock });
const project = await createProject({ state: storedProjectState(store), listen: '127.0.0.1:0', ports: { logger: silentLogger } });
// It looks as hard as it can.
watchFor(project.nodes.project, setting('SECRET'));

tell({
  identifier: project.identifier,
  port: project.local.port,
  bankTicket: await project.ticket({ attributes: { 'postgres-outlet': 'true', 'ockam-relay': 'postgres' } }),
  analysisTicket: await project.ticket({ attributes: { 'postgres-inlet': 'true' } }),
  marketingTicket: await project.ticket({ attributes: { department: 'marketing' } }),
});
untilStopped(async () => {
  await project.close();
  await store.close();
});
