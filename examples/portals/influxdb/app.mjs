/** The app of Datastream Corp: to it InfluxDB is on its own localhost. `app.mjs PORT` */
const base = `http://127.0.0.1:${process.argv[2]}`;

async function asked(path, options = {}) {
  const answer = await fetch(base + path, { ...options, signal: AbortSignal.timeout(15_000) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

try {
  await asked('/query', { method: 'POST', body: new URLSearchParams({ q: 'CREATE DATABASE metrics' }) });
  const points = Array.from({ length: 100 }, (_, index) => `cpu,host=h${index % 4} load=${index / 100} ${1_700_000_000 + index}`);
  await asked('/write?db=metrics&precision=s', { method: 'POST', body: points.join('\n') });
  const query = new URLSearchParams({ db: 'metrics', q: 'SELECT count(load) FROM cpu GROUP BY host' });
  const { results } = await (await asked(`/query?${query}`)).json();
  for (const { tags, values } of results[0].series) console.log(`${tags.host}: ${values[0][1]} points`);
  const total = results[0].series.reduce((sum, { values }) => sum + values[0][1], 0);
  if (total !== points.length) throw new Error(`${total} points of ${points.length}`);
} catch (thrown) {
  console.error(`InfluxDB was not reached: ${thrown.message}`);
  process.exit(1);
}
