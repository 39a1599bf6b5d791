/** The app of Analysis Corp: to it the database is on its own localhost. `app.mjs PORT [TIMEOUT_MS]` */
import pg from 'pg';

const [port, timeoutMs = '15000'] = process.argv.slice(2);
const client = new pg.Client({
  host: '127.0.0.1',
  port: Number(port),
  user: 'postgres',
  password: 'postgres',
  database: 'postgres',
  connectionTimeoutMillis: Number(timeoutMs),
});
try {
  await client.connect();
  console.log('connected');
  await client.query('create table if not exists users (name text, email text)');
  await client.query('delete from users');
  for (const [name, email] of [
    ['Ada', 'ada@example.com'],
    ['Grace', 'grace@example.com'],
  ])
    await client.query('insert into users (name, email) values ($1, $2)', [name, email]);
  const { rows } = await client.query('select name, email from users order by name');
  for (const { name, email } of rows) console.log(`${name} ${email}`);
  await client.end();
} catch (thrown) {
  console.error(`The database was not reached: ${thrown.message}`);
  process.exit(1);
}
