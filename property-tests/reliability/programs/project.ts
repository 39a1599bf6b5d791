/** One of several processes of a project, over one PostgreSQL. It makes tickets and removes members when it is told to. */
import { systemClock } from '../../../host/clock.ts';
import type { Identifier } from '../../../identities/identifier.ts';
import { createProject } from '../../../manager/project/project.ts';
import { storedProjectState } from '../../../manager/project/state.ts';
import { silentLogger } from '../../../runtime/logger.ts';
import { openPostgresStore } from '../../../storage/index.ts';
import { setting, tell } from './program.ts';

const store = await openPostgresStore(setting('PLACE'), { clock: systemClock, connectionsMax: 3 });
const listen = `127.0.0.1:${setting('PORT')}`;
const project = await createProject({ state: storedProjectState(store), listen, ports: { logger: silentLogger } });

process.on('message', ({ ticket, remove }: { ticket?: number; remove?: Identifier }) => {
  if (ticket !== undefined) void project.ticket({ attributes: { ticket: String(ticket) } }).then((text) => tell({ ticket, text }));
  if (remove !== undefined)
    void project.authority.membership.remove('host', remove).then(({ wasMember }) => tell({ removed: remove, was: wasMember ? 1 : 0 }));
});
tell({ port: project.local.port, id: project.id, identifier: project.identifier, authority: project.authority.identifier });
