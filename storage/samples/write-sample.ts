/**
 * Writes the sample file of a version, once, when the version is made: `npx tsx --conditions=postern-source
 * storage/samples/write-sample.ts VERSION`. A sample that was released is never written again.
 */
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../host/clock.ts';
import { openSqliteStore } from '../sqlite-store.ts';
import { sampleRows } from './rows.ts';

const [version = ''] = process.argv.slice(2);
const store = await openSqliteStore(fileURLToPath(new URL(`${version}.sqlite3`, import.meta.url)), { clock: systemClock, version });
await store.write('samples', async (transaction) => {
  for (const [table, rows] of sampleRows(version))
    await transaction
      .insertInto(table as 'topics')
      .values(rows as never)
      .execute();
});
await store.close();
