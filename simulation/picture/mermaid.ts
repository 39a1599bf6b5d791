import type { Trace, TraceEvent, Violation } from '../trace.ts';
import { countLeftOut, leftOutText, select } from './selection.ts';
import { type Story, storyOf } from './story.ts';
import { bytesText, nodesOf, sentence, timeText } from './words.ts';

export interface MermaidOptions {
  /** What is broken: its step is marked. */
  readonly violation?: Violation;
  /** At most so many events are drawn, 200 by default: renderers refuse long texts. The picture says what it leaves out. */
  readonly eventsMax?: number;
  /** Which kinds are drawn; all but `seal` by default. */
  readonly kinds?: readonly TraceEvent['kind'][];
}

const EVENTS_MAX = 200;
const KINDS: readonly TraceEvent['kind'][] = ['node', 'message', 'stream', 'bytes', 'log', 'fault', 'note'];
const TEXT_CHARACTERS_MAX = 160;
const BROKEN_STEP = 'rect rgba(220, 38, 38, 0.25)';

/**
 * A trace as the text of a Mermaid sequence diagram. Arrows of bytes stand where they arrive, or end in a cross where they set
 * out and never do. Whatever the trace holds, it is text in the picture and never a part of the diagram's own language.
 */
export function toMermaid(trace: Trace, { violation, eventsMax = EVENTS_MAX, kinds = KINDS }: MermaidOptions = {}): string {
  const wanted = trace.events
    .map((event, at) => ({ event, at }))
    .filter(({ event, at }) => kinds.includes(event.kind) || at === violation?.at);
  const focus = wanted.findIndex(({ at }) => at === violation?.at);
  const drawable = {
    ...trace,
    events: wanted.map(({ event }) => event),
    leftOut: countLeftOut(trace, new Set(wanted.map(({ at }) => at))),
  };
  const { shown, leftOut } = select(drawable, eventsMax, focus === -1 ? undefined : focus);
  const story = storyOf(trace);
  const names = namesOf(
    trace,
    shown.flatMap((index) => nodesOf(wanted[index]?.event ?? trace.events[0] ?? NOTHING)),
  );
  const drawing = new Drawing(names, story);
  const left = leftOutText(leftOut);
  const title = `${trace.scenario}, seed ${trace.seed}`;
  const lines = [
    'sequenceDiagram',
    ...names.map((name, index) => `  participant n${index} as ${escaped(name)}`),
    `  ${drawing.noteOverAll(left === '' ? title : `${title}. ${left}`)}`,
    ...(violation === undefined ? [] : [`  ${drawing.noteOverAll(`✗ ${violation.invariant}: ${violation.text}`)}`]),
  ];
  let before = -1;
  for (const index of shown) {
    const step = wanted[index];
    if (step === undefined) continue;
    if (index > before + 1) lines.push(`  ${drawing.noteOverAll(`… ${index - before - 1} left out`)}`);
    before = index;
    const drawn = drawing.lineOf(step.event, step.at, step.at === violation?.at);
    if (step.at !== violation?.at) lines.push(...drawn.map((line) => `  ${line}`));
    else
      lines.push(
        `  ${BROKEN_STEP}`,
        ...drawn.map((line) => `    ${line}`),
        `    ${drawing.noteOverAll(`✗ here: ${violation.invariant}`)}`,
        '  end',
      );
  }
  return `${lines.join('\n')}\n`;
}

const NOTHING: TraceEvent = { kind: 'note', atMs: 0, text: '' };

/** Those of the trace first; a diagram without anybody is none. */
function namesOf(trace: Trace, concerned: readonly string[]): readonly string[] {
  const drawn = new Set(concerned);
  const names = [...new Set([...trace.nodes.filter((node) => drawn.has(node)), ...concerned])];
  return names.length > 0 ? names : trace.nodes.length > 0 ? trace.nodes : ['nobody'];
}

class Drawing {
  readonly #ids: ReadonlyMap<string, string>;
  readonly #story: Story;
  readonly #all: string;

  constructor(names: readonly string[], story: Story) {
    this.#ids = new Map(names.map((name, index) => [name, `n${index}`]));
    this.#story = story;
    this.#all = names.length > 1 ? `n0,n${names.length - 1}` : 'n0';
  }

  noteOverAll(text: string): string {
    return `Note over ${this.#all}: ${escaped(text)}`;
  }

  /** @returns no line for what another one tells already: the setting out of a piece that arrives */
  lineOf(event: TraceEvent, at: number, isBroken: boolean): readonly string[] {
    const [from = '', to = from] = nodesOf(event).map((node) => this.#ids.get(node) ?? 'n0');
    const said = `${timeText(event.atMs)} ${sentence(event)}`;
    switch (event.kind) {
      case 'bytes':
        if (event.what === 'arrived')
          return [arrow(from, '->>', to, `${timeText(event.atMs)} piece ${event.piece}, ${bytesText(event.count)}`)];
        if (this.#story.lost.has(at)) return [arrow(from, '-x', to, `${said}, and never arrives`)];
        return isBroken ? [arrow(from, '-->>', to, said)] : [];
      case 'stream':
        return [arrow(from, event.what === 'opened' || event.what === 'ended' ? '-->>' : '--x', to, said)];
      case 'message':
        return [arrow(from, event.what === 'sent' ? '->>' : event.what === 'handled' ? '-->>' : '-x', from, said)];
      case 'fault':
        return [`Note over ${from === to ? from : `${from},${to}`}: ${escaped(`⚡ ${said}`)}`];
      case 'note':
        return [event.node === undefined ? this.noteOverAll(said) : `Note over ${from}: ${escaped(said)}`];
      default:
        return [`Note over ${from}: ${escaped(said)}`];
    }
  }
}

const arrow = (from: string, kind: string, to: string, text: string) => `${from}${kind}${to}: ${escaped(text)}`;

/** Letters, digits and some marks as they are; all else as Mermaid's numeric entities, so that nothing ends a line or a text. */
function escaped(text: string): string {
  const short = text.length > TEXT_CHARACTERS_MAX ? `${text.slice(0, TEXT_CHARACTERS_MAX)}…` : text;
  const flat = short.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Surrogate}]/gu, ' ').trim();
  const safe = flat.replaceAll(/[^\p{L}\p{N} .,()_=…→✗⚡-]/gu, (character) => `#${character.codePointAt(0) ?? 0};`);
  return safe === '' ? '#160;' : safe;
}
