import { sha256 } from '@noble/hashes/sha2.js';
import type { Trace, TraceEvent, Violation } from '../trace.ts';
import { SCRIPT } from './script.ts';
import { type Counts, leftOutText, select } from './selection.ts';
import { type Span, type Story, storyOf } from './story.ts';
import { STYLE } from './style.ts';
import { bytesText, detailsOf, nodesOf, sentence, shortAddresses, timeText, type Tone, toneOf } from './words.ts';

export interface HtmlOptions {
  /** What is broken: its step is marked, and the page opens there. */
  readonly violation?: Violation;
  /** At most so many events are in the page, 2_000 by default; a browser is slow beyond 20_000. The page says what it leaves out. */
  readonly eventsMax?: number;
  /** At most so many nodes have a line of their own, 24 by default: the busiest. All others share one. */
  readonly nodesMax?: number;
}

const EVENTS_MAX = 2_000;
const NODES_MAX = 24;

/** One event, as the script of the page draws it. Columns are indices into the nodes of the page. */
interface Row {
  /** Its place among all events of the trace. */
  readonly at: number;
  /** How many events before it are not in the page. */
  readonly gap: number;
  readonly ms: number;
  readonly time: string;
  readonly kind: TraceEvent['kind'];
  readonly what: string;
  readonly columns: readonly number[];
  readonly who: string;
  readonly text: string;
  /** What stands in the diagram, where there is room for a few letters. */
  readonly label: string;
  readonly tone: Tone;
  /** The other end of a piece or a message, as its place among all events. */
  readonly partner?: number;
  readonly isLost?: true;
  readonly details: readonly (readonly [string, string])[];
}

interface Page {
  readonly title: string;
  readonly nodes: readonly string[];
  readonly rows: readonly Row[];
  readonly lives: readonly Stretch[];
  readonly troubles: readonly Stretch[];
  readonly violation?: { readonly text: string; readonly at: number | null };
  readonly counts: Counts;
}

interface Stretch extends Omit<Span, 'nodes'> {
  readonly columns: readonly number[];
}

/**
 * A trace as one HTML file that asks for nothing from anywhere: a sequence diagram that can be zoomed, filtered and stepped
 * through. Whatever the trace holds, it is text in the page: it is set as text, and the page's own policy lets no script run
 * but ours.
 */
export function toHtml(trace: Trace, options: HtmlOptions = {}): string {
  const { violation, eventsMax = EVENTS_MAX, nodesMax = NODES_MAX } = options;
  const { shown, leftOut } = select(trace, eventsMax, violation?.at);
  const { nodes, columnOf } = columns(trace, violation?.at, nodesMax);
  const story = storyOf(trace);
  const stretch = ({ nodes: names, ...span }: Span): Stretch => ({ ...span, columns: [...new Set(names.map(columnOf))] });
  const page: Page = {
    title: `${trace.scenario}, seed ${trace.seed}`,
    nodes,
    rows: shown.map((at, index) => rowOf(trace, at, (shown[index - 1] ?? -1) + 1, story, columnOf)),
    lives: story.lives.filter(({ nodes: [name = ''] }) => nodes.includes(name)).map(stretch),
    troubles: story.troubles.map(stretch),
    ...(violation !== undefined && { violation: { text: `${violation.invariant}: ${violation.text}`, at: violation.at ?? null } }),
    counts: countsOf(trace, shown),
  };
  const left = leftOutText(leftOut);
  const sum = left === '' ? `all ${shown.length} events` : `${shown.length} of ${trace.events.length} events. ${left}.`;
  return document(page, sum);
}

function rowOf(trace: Trace, at: number, expected: number, story: Story, columnOf: (name: string) => number): Row {
  const event = trace.events[at] ?? { kind: 'note', atMs: 0, text: '' };
  const names = nodesOf(event);
  const partner = story.partner.get(at);
  const isLost = story.lost.has(at);
  return {
    at,
    gap: at - expected,
    ms: event.atMs,
    time: timeText(event.atMs),
    kind: event.kind,
    what: 'what' in event ? event.what : '',
    columns: names.map(columnOf),
    who: event.kind === 'fault' ? '' : names.join(' → '),
    text: `${sentence(event)}${isLost ? ', and never arrives' : ''}`,
    label: labelOf(event),
    tone: isLost ? 'bad' : toneOf(event),
    ...(partner !== undefined && { partner }),
    ...(isLost && { isLost }),
    details: detailsOf(event),
  };
}

function labelOf(event: TraceEvent): string {
  switch (event.kind) {
    case 'bytes':
      return event.what === 'sent' ? bytesText(event.count) : '';
    case 'message':
      return event.what === 'sent' ? shortAddresses(event.destination) : event.what === 'dead' ? (event.reason ?? 'dead') : '';
    case 'stream':
      return `:${event.port} ${event.what}`;
    case 'node':
      return event.what;
    case 'log':
      return event.level === 'warn' || event.level === 'error' ? event.event : '';
    default:
      return '';
  }
}

/** A line for each node, and one for all that are too many: the broken step's own nodes first, then the busiest. */
function columns(trace: Trace, focus: number | undefined, nodesMax: number) {
  const busy = new Map(trace.nodes.map((name) => [name, 0]));
  for (const event of trace.events) for (const name of nodesOf(event)) busy.set(name, (busy.get(name) ?? 0) + 1);
  const broken = focus === undefined ? undefined : trace.events[focus];
  for (const name of broken === undefined ? [] : nodesOf(broken)) busy.set(name, Number.POSITIVE_INFINITY);
  const busiest = [...busy].sort(([, one], [, other]) => other - one).slice(0, Math.max(1, nodesMax));
  const own = new Set(busiest.map(([name]) => name));
  const nodes = [...busy.keys()].filter((name) => own.has(name));
  const places = new Map(nodes.map((name, index) => [name, index]));
  const others = busy.size - nodes.length;
  return {
    nodes: others === 0 ? nodes : [...nodes, `${others} other node${others === 1 ? '' : 's'}`],
    columnOf: (name: string) => places.get(name) ?? nodes.length,
  };
}

function countsOf({ events }: Trace, shown: readonly number[]): Counts {
  const counts = new Map<string, number>();
  for (const at of shown) {
    const kind = events[at]?.kind ?? 'note';
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

function document(page: Page, sum: string): string {
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${base64(sha256(new TextEncoder().encode(SCRIPT)))}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(page.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${escaped(page.title)}</h1>
<p id="sum">${escaped(sum)} <span id="visible"></span></p>
<div id="violation" role="alert" hidden><strong>✗ broken</strong> <span></span> <button type="button">show the step</button></div>
<div id="controls">
<span class="group"><button type="button" id="previous" title="previous event (arrow up)">↑ previous</button><button type="button" id="next" title="next event (arrow down)">↓ next</button></span>
<span class="group"><button type="button" id="smaller" title="smaller (-)">−</button><output id="zoom">100%</output><button type="button" id="larger" title="larger (+)">+</button><button type="button" id="natural" title="natural size (0)">1:1</button></span>
<input id="route" type="search" placeholder="route, worker or text" aria-label="only events with this text" spellcheck="false">
<fieldset id="kinds"><legend>kinds</legend></fieldset>
<details id="nodes"><summary>nodes</summary><div></div></details>
</div>
</header>
<main>
<section id="scroller" tabindex="0" aria-label="sequence diagram"><svg id="heads"></svg><svg id="picture"></svg></section>
<aside id="details" aria-live="polite"><p class="hint">Choose an event, or step with the arrow keys. Ctrl and the wheel zoom.</p></aside>
</main>
<noscript>The diagram is drawn by a script in this file: allow it to run.</noscript>
<script type="application/json" id="data">${inScript(page)}</script>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string) => text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

/** JSON in which no tag can begin, so that nothing ends its element. */
const inScript = (value: unknown) => JSON.stringify(value).replaceAll('<', String.raw`\u003c`);

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));
