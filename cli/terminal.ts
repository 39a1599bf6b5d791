import picocolors from 'picocolors';
import type { Invocation, Output } from './invocation.ts';

/** How a terminal shows what matters. Without colours every function gives its text back. Source: command-line.md 8.1 */
export interface Palette {
  /** Whether there are colours at all. */
  readonly isOn: boolean;
  /** Done, and up. */
  readonly good: (text: string) => string;
  /** Failed, and down. */
  readonly bad: (text: string) => string;
  readonly warning: (text: string) => string;
  /** Notes and the bars of lists. */
  readonly note: (text: string) => string;
  /** Names, addresses and identifiers. */
  readonly accent: (text: string) => string;
  readonly heading: (text: string) => string;
  readonly dim: (text: string) => string;
}

/** A stream that is no terminal, or one that does not say how wide it is. */
const COLUMNS = 80;

const rgb = (red: number, green: number, blue: number) => (text: string) => `\u001b[38;2;${red};${green};${blue}m${text}\u001b[39m`;

/** 24-bit colours where the terminal says that it has them, else its own 16. */
export function palette(hasColor: boolean, env: Invocation['env']): Palette {
  const { bold, cyan, dim, green, magenta, red, yellow } = picocolors.createColors(hasColor);
  const isDeep = hasColor && /^(truecolor|24bit)$/i.test(env['COLORTERM'] ?? '');
  return {
    isOn: hasColor,
    good: isDeep ? rgb(64, 184, 102) : green,
    bad: isDeep ? rgb(235, 87, 87) : red,
    warning: isDeep ? rgb(255, 158, 59) : yellow,
    note: isDeep ? rgb(79, 193, 219) : cyan,
    accent: isDeep ? rgb(178, 148, 255) : magenta,
    heading: bold,
    dim,
  };
}

/** How wide text for a stream may be: unbounded where no terminal shows it. */
export function widthOf(stream: Output): number {
  return stream.isTTY === true ? (stream.columns ?? COLUMNS) || COLUMNS : Number.POSITIVE_INFINITY;
}

/** What stands before the words of a line: blanks, and a status sign or the bar of a list. */
const LINE_HEAD = /^( *)([✔✗>!│] )?/u;

/** Breaks lines at blanks; what follows stands below the words of its line. A word that is too long stays whole. */
export function wrapped(text: string, width: number): string {
  return text
    .split('\n')
    .map((line) => (line.length <= width ? line : wrappedLine(line, width)))
    .join('\n');
}

function wrappedLine(line: string, width: number): string {
  const [head = '', blanks = '', sign] = LINE_HEAD.exec(line) ?? [];
  const nextHead = sign === '│ ' ? head : `${blanks}${' '.repeat(sign?.length ?? 0)}`;
  const lines: string[] = [];
  let current = head;
  let isEmpty = true;
  // Blanks within a line align columns: they stay with the word before them.
  for (const word of line.slice(head.length).match(/\S+ */g) ?? []) {
    if (!isEmpty && current.length + word.trimEnd().length > width) {
      lines.push(current.trimEnd());
      current = nextHead;
    }
    current += word;
    isEmpty = false;
  }
  return [...lines, current.trimEnd()].join('\n');
}

const SIGN_COLORS = { '✔': 'good', '✗': 'bad', '>': 'note', '!': 'warning', '│': 'note' } as const;

/** What stands behind the word of a kind and is no name: other words of a sentence, and verbs of a command. */
const NO_NAMES = 'is|was|in|of|and|at|on|here|that|has|create|list|show|default|delete|start|stop|logs|ticket|enroll|import|move';

/** Addresses, identifiers, and the words that say how something stands. */
const WORDS = new RegExp(
  [
    '(?<identifier>\\bI[0-9a-f]{64}\\b)',
    '(?<address>(?<![\\w/.])/(?:node|project|service|worker|secure|dnsaddr|ip4|ip6)/[^\\s,;:]+)',
    '(?<place>\\b(?:\\d{1,3}\\.){3}\\d{1,3}:\\d+\\b)',
    '(?<good>\\bUP\\b)',
    '(?<bad>\\b(?:DOWN|ZOMBIE)\\b)',
    // What has a name is called by its kind first: `Node n1`, `vault "v"`.
    `(?<kind>\\b(?:[Nn]ode|[Ii]dentity|[Vv]ault|[Rr]elay|[Ii]nlet|[Oo]utlet|[Pp]roject|named|identity is) )(?<name>'[^']+'|(?!(?:${NO_NAMES})\\b)[\\w.-]*\\w)`,
  ].join('|'),
  'gu',
);

/** Colours a text for people by what its lines say: the meaning never hangs on the colour. */
export function painted(text: string, colors: Palette): string {
  if (!colors.isOn) return text;
  return text
    .split('\n')
    .map((line) => {
      const [head, blanks = '', sign = ''] = LINE_HEAD.exec(line) ?? [''];
      const color = SIGN_COLORS[sign.trim() as keyof typeof SIGN_COLORS] as 'good' | undefined;
      return `${blanks}${color === undefined ? sign : colors[color](sign)}${paintedWords(line.slice(head.length), colors)}`;
    })
    .join('\n');
}

function paintedWords(text: string, colors: Palette): string {
  return text.replaceAll(WORDS, (whole: string, ...given: unknown[]) => {
    const found = given.at(-1) as Readonly<Record<string, string | undefined>>;
    if (found['good'] !== undefined) return colors.good(whole);
    if (found['bad'] !== undefined) return colors.bad(whole);
    if (found['name'] !== undefined) return `${found['kind'] ?? ''}${colors.accent(found['name'])}`;
    return colors.accent(whole);
  });
}

const JSON_TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** JSON with colours; the text without them is the same. */
export function highlighted(json: string, colors: Palette): string {
  if (!colors.isOn) return json;
  return json.replaceAll(JSON_TOKEN, (token: string, text: string | undefined, colon: string | undefined) => {
    if (text === undefined) return colors.warning(token);
    return colon === undefined ? colors.good(text) : `${colors.note(text)}${colon}`;
  });
}
