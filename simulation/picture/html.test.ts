import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import fc from 'fast-check';
import { plausibleTrace, traces } from '../traces.fixture.ts';
import { toHtml } from './html.ts';

interface Row {
  readonly at: number;
  readonly gap: number;
  readonly columns: readonly number[];
  readonly partner?: number;
  readonly isLost?: true;
}
interface Page {
  readonly nodes: readonly string[];
  readonly rows: readonly Row[];
  readonly troubles: readonly { readonly columns: readonly number[]; readonly from: number; readonly to?: number }[];
  readonly violation?: { readonly text: string; readonly at: number | null };
}
const pageOf = (html: string) => JSON.parse(/<script type="application\/json" id="data">(.*)<\/script>/.exec(html)?.[1] ?? '') as Page;
const nodes = ['bank', 'relay', 'analysis'];
const trace = plausibleTrace({ nodes, messages: 300 });

test('the page holds every event, with both ends of what was sent', () => {
  const { rows, nodes: shown } = pageOf(toHtml(trace));
  expect(shown).toEqual(nodes);
  expect(rows.map(({ at }) => at)).toEqual(trace.events.map((_, at) => at));
  for (const row of rows) if (row.partner !== undefined) expect(rows[row.partner]?.partner).toBe(row.at);
  const lost = rows.filter(({ isLost }) => isLost).map(({ at }) => trace.events[at]);
  expect(lost.length).toBeGreaterThan(0);
  for (const event of lost) expect(event).toMatchObject({ kind: 'bytes', what: 'sent' });
});

test('a partition and a pause are bands from where they begin to where they end', () => {
  const { troubles } = pageOf(toHtml(trace));
  const ats = (kind: string) => trace.events.findIndex((event) => event.kind === 'fault' && event.fault.kind === kind);
  expect(troubles[0]).toEqual({ columns: [1, 2], from: ats('partition'), to: ats('heal') });
  const pause = troubles[1];
  expect(pause).toMatchObject({ columns: [0], from: ats('pause') });
  const began = trace.events[ats('pause')]?.atMs ?? 0;
  expect(trace.events[pause?.to ?? 0]?.atMs).toBeGreaterThanOrEqual(began + 60);
  expect(trace.events[(pause?.to ?? 0) - 1]?.atMs).toBeLessThan(began + 60);
});

test('what it leaves out it says, in all and in place', () => {
  const html = toHtml(trace, { eventsMax: 50 });
  const { rows } = pageOf(html);
  const last = rows.at(-1)?.at ?? 0;
  expect(rows).toHaveLength(50);
  expect(rows.reduce((sum, { gap }) => sum + gap, 0)).toBe(last + 1 - 50);
  expect(html).toContain(`50 of ${trace.events.length} events. ${trace.events.length - 50} events are left out: `);
});

test('nodes beyond the bound share a line, but not those of the broken step', () => {
  const many = Array.from({ length: 40 }, (_, index) => `n${index}`);
  const events = many.map((node) => ({ kind: 'note', atMs: 0, text: 'x', node }) as const);
  const page = pageOf(toHtml({ ...trace, nodes: many, events }, { nodesMax: 10, violation: { invariant: 'i', text: 't', at: 35 } }));
  expect(page.nodes).toHaveLength(11);
  expect(page.nodes).toContain('n35');
  expect(page.nodes.at(-1)).toBe('30 other nodes');
  expect(page.violation).toEqual({ text: 'i: t', at: 35 });
});

test('whatever the trace holds, the tags of the page stay the same, and only its own script may run', () => {
  const empty = { version: 1, scenario: 's', seed: 1, nodes: [], events: [] } as const;
  const tagsOf = (html: string) => html.match(/<[/!a-z][^\s>]*/gi);
  const tags = tagsOf(toHtml(empty));
  const evil = `</script><script>alert(1)</script><!--<img src=x onerror="alert(1)">'&`;
  const hostile = fc.oneof(
    traces(),
    fc.constant({ ...plausibleTrace({ nodes: [evil, `${evil}2`], messages: 9, logText: evil }), scenario: evil }),
  );
  fc.assert(
    fc.property(hostile, (any) => {
      const html = toHtml(any, { violation: { invariant: evil, text: evil } });
      expect(tagsOf(html)).toEqual(tags);
      expect(pageOf(html).nodes).toEqual(expect.arrayContaining([...any.nodes]));
    }),
    { numRuns: 200 },
  );
  const html = toHtml(empty);
  const script = /<script>(.*)<\/script>/s.exec(html)?.[1] ?? '';
  expect(script.length).toBeGreaterThan(1_000);
  expect(html).toContain(`script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`);
  expect(html).not.toMatch(/\b(src|href)=/);
});
